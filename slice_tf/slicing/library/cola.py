"""Slicing functions of CoLA: is a sentence acceptable English?

They read the feature `sentence`. `COLA_SLICES` are those that need nothing
else; `COLA_TAGGER_SLICES` need spaCy and its model `en_core_web_sm`.

What differs from the printed pseudo-code:

- A word is a whole word in any case: printed, `or` is in `for` and `what` not
  in `What`. `or` holds 21 % of sentences as printed, and 0.7 % as a word.
- Articles are counted in any case, too.
- The last token is the last that is no punctuation: printed, the last
  character is cut off, and a `Doc` is asked for the tag of a token.
- An adverb is tagged `ADV`: printed, `ADVERB`, which spaCy never says.

Source:
    Chen et al. 2019, appendix A1.3.
"""

from typing import Any

from slice_tf.slicing.function import slicing_function
from slice_tf.slicing.library.tags import last_tag
from slice_tf.slicing.library.words import has_word, num_words, repeats_word
from slice_tf.slicing.row import Row
from slice_tf.slicing.spacy_docs import spacy_docs

_TAGGED = {
    "doc": spacy_docs("sentence", exclude=("parser", "ner", "lemmatizer"))
}


@slicing_function
def where_in_sentence(row: Row) -> bool:
    """Says `where`."""
    return has_word(row.text("sentence"), "where")


@slicing_function
def who_in_sentence(row: Row) -> bool:
    """Says `who`."""
    return has_word(row.text("sentence"), "who")


@slicing_function
def what_in_sentence(row: Row) -> bool:
    """Says `what`."""
    return has_word(row.text("sentence"), "what")


@slicing_function
def when_in_sentence(row: Row) -> bool:
    """Says `when`."""
    return has_word(row.text("sentence"), "when")


@slicing_function
def has_multiple_articles(row: Row) -> bool:
    """Says the same article twice: `a`, `an` or `the`."""
    return repeats_word(row.text("sentence"), "a", "an", "the")


@slicing_function
def and_in_sentence(row: Row) -> bool:
    """Says `and`."""
    return has_word(row.text("sentence"), "and")


@slicing_function
def but_in_sentence(row: Row) -> bool:
    """Says `but`."""
    return has_word(row.text("sentence"), "but")


@slicing_function
def or_in_sentence(row: Row) -> bool:
    """Says `or`."""
    return has_word(row.text("sentence"), "or")


@slicing_function
def short_sentence(row: Row) -> bool:
    """Has fewer than five words."""
    return num_words(row.text("sentence")) < 5


@slicing_function(uses=_TAGGED)
def ends_with_verb(row: Row, doc: Any) -> bool:
    """Ends with a verb, punctuation aside."""
    return last_tag(doc) == "VERB"


@slicing_function(uses=_TAGGED)
def ends_with_adverb(row: Row, doc: Any) -> bool:
    """Ends with an adverb, punctuation aside."""
    return last_tag(doc) == "ADV"


COLA_SLICES = [
    where_in_sentence,
    who_in_sentence,
    what_in_sentence,
    when_in_sentence,
    has_multiple_articles,
    and_in_sentence,
    but_in_sentence,
    or_in_sentence,
    short_sentence,
]
COLA_TAGGER_SLICES = [ends_with_verb, ends_with_adverb]
