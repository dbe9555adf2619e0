"""Slicing functions over comments, after the spam tutorial of Snorkel.

Source:
    Slices of the public Snorkel spam tutorial, written anew.
"""

import re

from slice_tf.slicing import Row, slicing_function

# Positions of two offline tools among an example's `votes`.
HAS_PERSON = 7
POLARITY = 8
ABSTAINS = -1

_CHECK_OUT = re.compile(r"\bcheck\b.*\bout\b", re.IGNORECASE | re.DOTALL)
_SHORT_LINK = re.compile(r"\w+\.ly\b", re.IGNORECASE)
_PLEASE = re.compile(r"\b(please|plz|pls)\b", re.IGNORECASE)


@slicing_function(description="Fewer than five words")
def short_comment(row: Row) -> bool:
    """Whether a comment says little."""
    return len(row.text("text").split()) < 5


@slicing_function(description="Asks politely")
def asks_please(row: Row) -> bool:
    """Whether a comment pleads."""
    return _PLEASE.search(row.text("text")) is not None


@slicing_function(description="Says 'check ... out'")
def check_out(row: Row) -> bool:
    """Whether a comment advertises in the usual words."""
    return _CHECK_OUT.search(row.text("text")) is not None


@slicing_function(description="Holds a shortened link")
def short_link(row: Row) -> bool:
    """Whether a comment hides where its link leads."""
    return _SHORT_LINK.search(row.text("text")) is not None


@slicing_function(description="A named-entity tagger saw a person")
def names_a_person(row: Row) -> bool:
    """Whether spaCy found a person (a vote made offline)."""
    return bool(row.ints("votes")[HAS_PERSON] != ABSTAINS)


@slicing_function(description="A sentiment tool is sure of its polarity")
def strong_sentiment(row: Row) -> bool:
    """Whether TextBlob found strong feelings (a vote made offline)."""
    return bool(row.ints("votes")[POLARITY] != ABSTAINS)
