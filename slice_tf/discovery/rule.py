"""The shortest rule that says what a found slice is."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.confidence import Z, wilson
from slice_tf.discovery.condition import Condition

MOST_CONDITIONS = 3
# What a further condition must add to the F1 score to be worth its reading.
_LEAST_GAIN = 0.02
_BEAM = 20


@dataclasses.dataclass(frozen=True)
class Rate:
    """A share of held-out rows, with its 95 % interval.

    Attributes:
        value: The share; None where there is no row to count.
        low: Lower end.
        high: Upper end.
    """

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, part: int, whole: int) -> "Rate":
        """Returns a share with Wilson's interval."""
        if not whole:
            return cls(None, None, None)
        low, high = wilson(part, whole)
        return cls(float(part / whole), float(low), float(high))


@dataclasses.dataclass(frozen=True)
class Separation:
    """How much more often a condition holds inside a slice than outside.

    Attributes:
        condition: In words.
        inside: Share of held-out rows inside for which it holds.
        outside: The same outside.
        lift: Their ratio, half a row added to each count.
        low: Lower end of its 95 % interval, normal on the log scale.
        high: Upper end.

    Source:
        Katz et al. 1978, "Obtaining confidence intervals for the risk ratio
        in cohort studies"; half a row after Walter 1975.
    """

    condition: str
    inside: float
    outside: float
    lift: float
    low: float
    high: float

    def __str__(self) -> str:
        chance = "" if self.low > 1 else ", may be chance"
        return (
            f"{self.condition}: {self.lift:.1f} times as often "
            f"({self.low:.1f} - {self.high:.1f}{chance})"
        )


@dataclasses.dataclass(frozen=True)
class Rule:
    """Conditions that all hold, for what a slicer found.

    Attributes:
        conditions: At most three.
        text: All of them in words.
        size: Held-out rows for which they hold.
        precision: Share of those that lie in the found slice.
        recall: Share of the found slice for which they hold.
        error_rate: Share of the rule's rows that the model gets wrong.
    """

    conditions: tuple[Condition, ...]
    text: str
    size: int
    precision: Rate
    recall: Rate
    error_rate: Rate

    def __str__(self) -> str:
        return self.text

    def holds(self, columns: Mapping[str, Any]) -> Any:
        """Returns where all conditions hold, bool of shape `[rows]`."""
        return np.all(
            [one.holds(columns[one.feature]) for one in self.conditions], axis=0
        )


def separation(condition: Condition, truth: Any, inside: Any) -> Separation:
    """Measures a condition.

    Args:
        condition: What is measured.
        truth: Whether it holds, bool `[rows]`.
        inside: Whether rows are in the slice, bool `[rows]`.
    """
    a, n = int(truth[inside].sum()), int(inside.sum())
    b, m = int(truth[~inside].sum()), int((~inside).sum())
    lift = ((a + 0.5) / (n + 0.5)) / ((b + 0.5) / (m + 0.5))
    spread = 1 / (a + 0.5) - 1 / (n + 0.5) + 1 / (b + 0.5) - 1 / (m + 0.5)
    half = Z * np.sqrt(max(spread, 0.0))
    return Separation(
        str(condition),
        a / max(n, 1),
        b / max(m, 1),
        float(lift),
        float(lift * np.exp(-half)),
        float(lift * np.exp(half)),
    )


def best_conditions(truths: Any, inside: Any) -> tuple[int, ...]:
    """Returns the places of the conditions whose conjunction is most like it.

    A beam search over conjunctions of at most three by F1 score; a longer one
    must be better by 0.02 than the best shorter one. None where no condition
    tells anything.

    Args:
        truths: Bool of shape `[conditions, rows]`.
        inside: Bool of shape `[rows]`.
    """
    if not len(truths) or not inside.any():
        return ()
    start: list[tuple[tuple[int, ...], Any]] = [
        ((), np.ones(len(inside), bool))
    ]
    best: tuple[int, ...] = ()
    best_score = _f1(start[0][1][None], inside)[0]
    beam = start
    for _ in range(MOST_CONDITIONS):
        tried: dict[tuple[int, ...], float] = {}
        for places, truth in beam:
            scores = _f1(truths & truth, inside)
            for place in np.argsort(-scores, kind="stable")[:_BEAM].tolist():
                if place not in places:
                    tried[tuple(sorted((*places, place)))] = scores[place]
        ranked = sorted(tried, key=lambda one: (-tried[one], one))[:_BEAM]
        if not ranked or tried[ranked[0]] < best_score + _LEAST_GAIN:
            break
        best, best_score = ranked[0], tried[ranked[0]]
        beam = [(one, truths[list(one)].all(axis=0)) for one in ranked]
    return best


def _f1(truths: Any, inside: Any) -> Any:
    both = (truths & inside).sum(axis=1)
    return 2 * both / np.maximum(truths.sum(axis=1) + inside.sum(), 1)
