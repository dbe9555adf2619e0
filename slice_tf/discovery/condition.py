"""One test of one feature, and which tests there are to choose from."""

import dataclasses
import re
from typing import Any

import numpy as np

_WORD = re.compile(r"\w+")
_QUANTILES = np.linspace(0.05, 0.95, 19)
# More distinct values than this are no categories.
_MOST_CATEGORIES = 50
_MOST_WORDS = 300
_LEAST_SHARE = 0.05  # Of rows inside, that must have a word.


@dataclasses.dataclass(frozen=True)
class Condition:
    """A test of one feature that is true or false of every row.

    Attributes:
        feature: Its name.
        test: `is`, `at_least`, `below` or `has_word`.
        value: What it is compared with: text or a number.
    """

    feature: str
    test: str
    value: str | int | float

    def __str__(self) -> str:
        words = {
            "is": "is",
            "at_least": "is at least",
            "below": "is below",
            "has_word": "has the word",
        }
        shown = repr(self.value) if isinstance(self.value, str) else self.value
        return f"{self.feature} {words[self.test]} {shown}"

    def holds(self, values: Any) -> Any:
        """Returns the truth for each value of the feature, bool `[rows]`."""
        array = texts(values)
        if self.test == "is":
            return array == self.value
        if self.test == "at_least":
            return array >= self.value
        if self.test == "below":
            return array < self.value
        return np.array([self.value in words_of(one) for one in array], bool)

    def code(self) -> str:
        """Returns the test of a slicing function's `row`, as Python."""
        key, value = repr(self.feature), repr(self.value)
        if self.test == "has_word":
            return f"{value} in words_of(row.text({key}))"
        if self.test == "is" and isinstance(self.value, str):
            return f"row.text({key}) == {value}"
        sign = {"is": "==", "at_least": ">=", "below": "<"}[self.test]
        return f"row[{key}] {sign} {value}"


def words_of(text: str) -> set[str]:
    """Returns the distinct words of a text, in lower case."""
    return set(_WORD.findall(text.lower()))


def texts(values: Any) -> Any:
    """Returns an array, of `str` where values are text or bytes."""
    array = np.asarray(values)
    if array.dtype.kind in "SO":
        plain = [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else one
            for one in array.reshape(-1).tolist()
        ]
        array = np.array([str(one) for one in plain]).reshape(array.shape)
    return array


def conditions_of(feature: str, values: Any, inside: Any) -> list[Condition]:
    """Returns the tests that a feature offers.

    Text of at most 50 distinct values and whole numbers of at most 50 are
    categories; other text offers the words that 5 % of the rows inside have,
    other numbers 19 thresholds, each as lower and as upper bound.

    Args:
        feature: Its name.
        values: Of shape `[rows]`; any other shape offers none.
        inside: Whether rows are in the slice, bool `[rows]`.
    """
    array = texts(values)
    if array.ndim != 1:
        return []
    kind = array.dtype.kind
    if kind in "bui" or kind == "U":
        distinct = np.unique(array)
        if len(distinct) <= _MOST_CATEGORIES:
            plain = distinct.astype(int) if kind == "b" else distinct
            return [Condition(feature, "is", one) for one in plain.tolist()]
    if kind == "U":
        return [
            Condition(feature, "has_word", word)
            for word in _common_words(array[inside])
        ]
    if kind not in "uif":
        return []
    bounds = np.unique(
        [
            float(f"{one:.4g}")
            for one in np.nanquantile(array.astype(np.float64), _QUANTILES)
            if np.isfinite(one)
        ]
        if np.isfinite(array).any()
        else []
    )
    return [
        Condition(feature, test, bound)
        for bound in bounds.tolist()
        for test in ("at_least", "below")
    ]


def _common_words(rows: Any) -> list[str]:
    counts: dict[str, int] = {}
    for text in rows:
        for word in words_of(text):
            counts[word] = counts.get(word, 0) + 1
    least = max(2.0, _LEAST_SHARE * len(rows))
    common = [word for word, count in counts.items() if count >= least]
    return sorted(common, key=lambda word: (-counts[word], word))[:_MOST_WORDS]
