"""The paper's slices of CoLA and RTE.

What a sentence ends with is asked of spaCy in the paper. Here the records
carry what its tagger once said, so that no tagger is needed: neither to run
this example nor, as ever, to serve the model.

Source:
    Chen et al. 2019, appendices A1.3 and A1.4.
"""

from slice_tf.slicing import Row, slicing_function
from slice_tf.slicing.library.cola import COLA_SLICES
from slice_tf.slicing.library.rte import RTE_SLICES


@slicing_function(description="A tagger saw a verb at the end")
def ends_with_verb(row: Row) -> bool:
    """Whether spaCy called the last word a verb (said offline)."""
    return bool(row.ints("ends_verb")[0])


@slicing_function(description="A tagger saw an adverb at the end")
def ends_with_adverb(row: Row) -> bool:
    """Whether spaCy called the last word an adverb (said offline)."""
    return bool(row.ints("ends_adverb")[0])


COLA = [*COLA_SLICES, ends_with_verb, ends_with_adverb]
# No hypothesis of RTE is as long as the paper's `long_hypothesis`.
RTE = [one for one in RTE_SLICES if one.name != "long_hypothesis"]
