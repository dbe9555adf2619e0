"""Questions about the words of a text."""

import functools
import re


def has_word(text: str, *words: str) -> bool:
    """Tells whether a text has one of some words, in any case.

    Words are whole: `or` is not in `for`. A blank in a word stands for any
    white space, an apostrophe for a straight or a curly one, or none.
    """
    return _pattern(words).search(text) is not None


def repeats_word(text: str, *words: str) -> bool:
    """Tells whether a text has one of some words more than once."""
    found = [" ".join(one.split()) for one in _pattern(words).findall(text)]
    return len({one.lower() for one in found}) < len(found)


def num_words(text: str) -> int:
    """Returns the number of words, told apart by white space."""
    return len(text.split())


@functools.cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    # Longer ones first, since the first that fits is taken.
    ordered = sorted(words, key=len, reverse=True)
    escaped = "|".join(re.escape(word) for word in ordered)
    flexible = escaped.replace(r"\ ", r"\s+").replace("'", "['\u2019]?")
    return re.compile(rf"(?<!\w)(?:{flexible})(?!\w)", re.IGNORECASE)
