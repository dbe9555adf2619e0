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
        if self.test == "has_word":
            word = str(self.value)
            whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
            lowered = (one.lower() for one in array)
            return np.array(
                [word in one and bool(whole.search(one)) for one in lowered],
                bool,
            )
        # A float32 would take the threshold for one, which a `row` does not.
        exact = array.astype(np.float64) if array.dtype.kind == "f" else array
        if self.test == "below":
            return exact < self.value
        return exact >= self.value

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


def rows_of_words(values: Any) -> dict[str, list[int]]:
    """Returns the rows, of an array of texts, that have each word."""
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(values):
        for word in words_of(text):
            rows.setdefault(word, []).append(row)
    return rows


def texts(values: Any) -> Any:
    """Returns an array, of objects that are `str` where values are text.

    NumPy's own texts would all be as wide as the longest.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "SUO":
        return array
    plain = [
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
        for one in array.reshape(-1).tolist()
    ]
    return np.array(plain, object).reshape(array.shape)


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
    if kind in "buiO":
        plain = array.astype(int) if kind == "b" else array
        distinct = set(plain.tolist())
        if len(distinct) <= _MOST_CATEGORIES:
            return [Condition(feature, "is", one) for one in sorted(distinct)]
    if kind == "O":
        return [
            Condition(feature, "has_word", word)
            for word in _common_words(array[inside])
        ]
    if kind not in "uif":
        return []
    return [
        Condition(feature, test, bound)
        for bound in _bounds(array)
        for test in ("at_least", "below")
    ]


def _bounds(array: Any) -> list[float]:
    """Returns thresholds that part values alike as float32 and float64.

    Examples hold float32, of which 0.7 is below the number 0.7: a threshold
    that stands on values is moved to between them and those below.
    """
    known = np.unique(array[np.isfinite(array)].astype(np.float64))
    if not len(known):
        return []
    quantiles = np.nanquantile(array.astype(np.float64), _QUANTILES)
    bounds = {float(f"{one:.4g}") for one in quantiles if np.isfinite(one)}
    if array.dtype.kind != "f":
        return sorted(bounds)
    return sorted({_beside(bound, known) for bound in bounds})


def _beside(bound: float, known: Any) -> float:
    with np.errstate(over="ignore"):
        short, single = np.float32(bound), known.astype(np.float32)
    on = known[single == short]
    if not len(on) or not np.isfinite(short):
        return bound
    if float(short) == bound and (on == bound).all():
        return bound
    below, high = known[single < short], float(on[0])
    low = float(below[-1]) if len(below) else high - abs(high) / 1000
    for digits in range(4, 9):
        tried = float(f"{(low + high) / 2:.{digits}g}")
        if np.float32(low) < np.float32(tried) < short:
            return tried
    return float(short)


def _common_words(rows: Any) -> list[str]:
    counts: dict[str, int] = {}
    for text in rows:
        for word in words_of(text):
            counts[word] = counts.get(word, 0) + 1
    least = max(2.0, _LEAST_SHARE * len(rows))
    common = [word for word, count in counts.items() if count >= least]
    return sorted(common, key=lambda word: (-counts[word], word))[:_MOST_WORDS]
