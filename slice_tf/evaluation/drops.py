"""The tests a gate rests on: how sure is it that a slice got worse."""

import dataclasses
import math
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.metric import LOSSES, Metric, ratio, to_metrics
from slice_tf.evaluation.results import Results, SliceResult


@dataclasses.dataclass(frozen=True)
class Differences:
    """A metric of two models in each slice.

    Args:
        paired: Whether example by example.
        baseline: The baseline's.
        candidate: The candidate's.
        metrics: The differences, with intervals.
        largest: The largest drop that is not excluded, `[slices + 1]`: the
            lower end of a difference, the upper one of a loss's; NaN without
            an interval.
        p: One-sided p values of a drop beyond the margin, `[slices + 1]`;
            NaN without examples.
        spread: Standard errors of the differences, of the same shape.
    """

    paired: bool
    baseline: list[Metric]
    candidate: list[Metric]
    metrics: list[Metric]
    largest: Any
    p: Any
    spread: Any


def compare(
    baseline: Results, candidate: Results, metric: str, margins: Any
) -> Differences:
    """Tests each slice for a drop beyond its margin.

    A rise of a loss is a drop. Paired where the candidate's results hold a
    comparison with this very baseline. Otherwise the two are taken for
    independent, which they are not, being of the same examples: the test then
    errs on the side of silence.

    Args:
        baseline: What is in use.
        candidate: What is to replace it.
        metric: Name of the metric.
        margins: Tolerated drops, of shape `[slices + 1]`.

    Raises:
        ValueError: If the results lack the metric, or it cannot be compared
            from them.
    """
    before, after = (_metrics(one, metric) for one in (baseline, candidate))
    paired = _is_paired(baseline, candidate)
    if metric != "accuracy":
        if not paired:
            raise ValueError(
                "Metrics other than accuracy must be compared example by "
                f"example. Received: metric={metric!r}, and a candidate that "
                "was not evaluated beside this baseline. Pass `--baseline` "
                "to `slice-tf evaluate`."
            )
        return _of_intervals(before, after, candidate, metric, margins)
    if not paired:
        return _unpaired(before, after, margins, candidate.floor)
    cells = _cells(candidate)
    value = ratio(cells[:, 0, 1] - cells[:, 1, 0], cells.sum(axis=(1, 2)))
    low, high = intervals.difference_of_rates(cells)
    metrics = to_metrics(
        value,
        np.minimum(low, value),
        np.maximum(high, value),
        cells.sum(axis=(1, 2)),
        candidate.floor,
    )
    spread = _paired_spread(cells)
    p = _p_values(value, spread, margins)
    for i, table in enumerate(cells):
        if not margins[i] and table.sum():
            p[i] = intervals.mcnemar_one_sided(table[0, 1], table[1, 0])
    return Differences(True, before, after, metrics, -_ends(metrics), p, spread)


def _ends(metrics: list[Metric], end: str = "low") -> Any:
    return np.array([getattr(one, end) for one in metrics], np.float64)


def _metrics(results: Results, name: str) -> list[Metric]:
    known = results.slices[-1].metrics
    if name not in known:
        raise ValueError(
            f"The metric must be among {', '.join(known)}. "
            f"Received: metric={name!r}"
        )
    return [one.metrics[name] for one in results.slices]


def _cells(results: Results) -> Any:
    """Counts `[slices + 1, 2, 2]` of results with a comparison of classes."""
    found = (one.comparison for one in results.slices)
    return np.array([one.cells for one in found if one is not None])


def _is_paired(baseline: Results, candidate: Results) -> bool:
    """Says whether the candidate was compared with this very baseline."""
    found = [one.comparison for one in candidate.slices]
    compared = [one.baseline.value for one in found if one is not None]
    names = (
        baseline.model.fingerprint,
        candidate.baseline.fingerprint if candidate.baseline else "",
    )
    if len(compared) < len(found) or (all(names) and names[0] != names[1]):
        return False
    metrics = [one.metrics[baseline.leading].value for one in baseline.slices]
    values = np.array([value or 0.0 for value in metrics])
    if not candidate.num_classes:  # Another batch size moves last digits.
        ours = np.array([value or 0.0 for value in compared])
        return bool(np.allclose(ours, values, rtol=1e-4))
    tables = _cells(candidate)
    right = values * tables.sum(axis=(1, 2))
    return bool(np.allclose(tables[:, 1].sum(axis=1), right, atol=0.5))


def _paired_spread(cells: Any) -> Any:
    """Standard error of a difference of zero, with one pseudo-example each."""
    n = cells.sum(axis=(1, 2)) + 2
    disagree = cells[:, 0, 1] + cells[:, 1, 0] + 2
    return np.sqrt(disagree) / n


def _p_values(value: Any, spread: Any, margins: Any) -> Any:
    z = ratio(np.asarray(value) + margins, spread)
    return np.array(
        [math.erfc(-x / math.sqrt(2)) / 2 if x == x else math.nan for x in z]
    )


def _unpaired(
    before: list[Metric], after: list[Metric], margins: Any, floor: int
) -> Differences:
    rates = [
        np.array(
            [one.value if one.value is not None else np.nan for one in row]
        )
        for row in (before, after)
    ]
    n = np.array([one.n for one in after], np.float64)
    value = rates[1] - rates[0]
    low, high = intervals.difference_of_independent_rates(
        rates[1] * n, n, rates[0] * n, n
    )
    common = (rates[0] * n + rates[1] * n + 1) / (2 * n + 2)
    with np.errstate(divide="ignore"):
        spread = np.sqrt(2 * common * (1 - common) / n)
    metrics = to_metrics(value, low, high, n, floor)
    p = _p_values(value, spread, margins)
    largest = -_ends(metrics)
    return Differences(False, before, after, metrics, largest, p, spread)


def _of_intervals(
    before: list[Metric],
    after: list[Metric],
    candidate: Results,
    metric: str,
    margins: Any,
) -> Differences:
    """From the paired intervals that the candidate's results hold."""
    differences = [
        _difference(one, metric, candidate.leading) for one in candidate.slices
    ]
    found = [one for one in differences if one is not None]
    if len(found) < len(differences):
        known = candidate.slices[-1].comparison
        names = [candidate.leading, *(known.differences if known else ())]
        raise ValueError(
            "A gate must compare a metric whose paired difference is known: "
            f"here {', '.join(names)}. Received: metric={metric!r}"
        )
    low, high = (_ends(found, end) for end in ("low", "high"))
    value = _ends(found, "value")
    spread = (high - low) / (2 * intervals.Z)
    loss = metric in LOSSES
    p = _p_values(-value if loss else value, spread, margins)
    largest = high if loss else -low
    return Differences(True, before, after, found, largest, p, spread)


def _difference(one: SliceResult, metric: str, leading: str) -> Metric | None:
    if one.comparison is None:
        return None
    if metric == leading:
        return one.comparison.difference
    return one.comparison.differences.get(metric)
