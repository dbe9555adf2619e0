"""Slicing functions of RTE: does a premise entail a hypothesis?

They read the features `premise` and `hypothesis`.

What differs from the printed pseudo-code:

- A word is a whole word in any case: printed, `all` is in `usually`.
- The two texts are searched one by one: printed, the last word of the premise
  and the first of the hypothesis become one.
- Both preposition functions work: printed, they read a name that is not
  defined.
- Negations are words: printed, characters are compared with words, so that no
  example is ever in the slice. `doesnt` and the like are also found with
  their apostrophe.
- `long_hypothesis` is kept as printed, though no hypothesis of RTE has more
  than a hundred words: it is empty.

Source:
    Chen et al. 2019, appendix A1.4.
"""

from slice_tf.slicing.function import slicing_function
from slice_tf.slicing.library.words import has_word, num_words
from slice_tf.slicing.row import Row

TEMPORAL_PREPOSITIONS = ("after", "before", "past")
POSSESSIVE_PREPOSITIONS = ("inside of", "with", "within")
COMPARATIVES = ("more", "less", "better", "worse", "bigger", "smaller")
QUANTIFIERS = ("all", "some", "none")
NEGATIONS = (
    *("no", "not", "none", "no one", "nobody", "nothing", "neither"),
    *("nowhere", "never", "hardly", "scarcely", "barely"),
    *("doesn't", "isn't", "wasn't", "shouldn't", "wouldn't", "couldn't"),
    *("won't", "can't", "don't"),
)


def _either_has(row: Row, words: tuple[str, ...]) -> bool:
    return has_word(row.text("premise"), *words) or has_word(
        row.text("hypothesis"), *words
    )


@slicing_function
def has_temporal_preposition(row: Row) -> bool:
    """Either text says `after`, `before` or `past`."""
    return _either_has(row, TEMPORAL_PREPOSITIONS)


@slicing_function
def has_possessive_preposition(row: Row) -> bool:
    """Either text says `inside of`, `with` or `within`."""
    return _either_has(row, POSSESSIVE_PREPOSITIONS)


@slicing_function
def is_comparative(row: Row) -> bool:
    """Either text compares: `more`, `less`, `better` and so on."""
    return _either_has(row, COMPARATIVES)


@slicing_function
def is_quantification(row: Row) -> bool:
    """Either text says `all`, `some` or `none`."""
    return _either_has(row, QUANTIFIERS)


@slicing_function
def is_quantification_hypothesis(row: Row) -> bool:
    """The hypothesis says `all`, `some` or `none`."""
    return has_word(row.text("hypothesis"), *QUANTIFIERS)


@slicing_function
def common_negation(row: Row) -> bool:
    """Either text negates: `no`, `never`, `doesn't` and so on."""
    return _either_has(row, NEGATIONS)


@slicing_function
def short_hypothesis(row: Row) -> bool:
    """The hypothesis has fewer than five words."""
    return num_words(row.text("hypothesis")) < 5


@slicing_function
def long_hypothesis(row: Row) -> bool:
    """The hypothesis has more than a hundred words."""
    return num_words(row.text("hypothesis")) > 100


@slicing_function
def short_premise(row: Row) -> bool:
    """The premise has fewer than fifteen words."""
    return num_words(row.text("premise")) < 15


@slicing_function
def long_premise(row: Row) -> bool:
    """The premise has more than a hundred words."""
    return num_words(row.text("premise")) > 100


RTE_SLICES = [
    has_temporal_preposition,
    has_possessive_preposition,
    is_comparative,
    is_quantification,
    is_quantification_hypothesis,
    common_negation,
    short_hypothesis,
    long_hypothesis,
    short_premise,
    long_premise,
]
