"""Suggests the known word that a wrong one is likely to mean."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Returns " Did you mean NAME?" for the nearest known word, or ""."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
