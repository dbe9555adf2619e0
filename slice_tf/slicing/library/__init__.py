"""The paper's slicing functions, and what they are made of.

`cola`, `rte` and `cydet` hold the functions of the paper's three tasks, in its
order; `words`, `tags` and `detections` hold what they ask, for functions of
your own. Where the printed pseudo-code does not do what its text says, the
text wins, and the function's module says so.

Source:
    Chen et al. 2019, appendices A1.3 to A1.5.
"""

from slice_tf.slicing.library.detections import sees_object
from slice_tf.slicing.library.tags import last_tag
from slice_tf.slicing.library.words import has_word, num_words, repeats_word

__all__ = [
    "has_word",
    "last_tag",
    "num_words",
    "repeats_word",
    "sees_object",
]
