"""The tests a gate rests on: how sure is it that a slice got worse."""

import dataclasses
import math
from typing import Any

import numpy as np

from slice_tf.confidence import Z
from slice_tf.evaluation import intervals
from slice_tf.evaluation.metric import LOSSES, Metric, ratio, to_metrics
from slice_tf.evaluation.results import Results

COMPARED = (
    *("accuracy", "precision", "recall", "f1", "mcc"),
    *("auc", "auc_pr", "log_loss", "brier"),
    *("mae", "rmse", "r2"),
)


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
    comparison of the metric with this very baseline. Otherwise the two are
    taken for independent, which they are not, being of the same examples:
    where both err alike, the test then errs on the side of silence.

    Args:
        baseline: What is in use.
        candidate: What is to replace it.
        metric: Name of the metric.
        margins: Tolerated drops, of shape `[slices + 1]`.

    Raises:
        ValueError: If the results lack the metric, or it cannot be compared.
    """
    before, after = (_metrics(one, metric) for one in (baseline, candidate))
    paired = _is_paired(baseline, candidate)
    found = _differences(candidate, metric) if paired else []
    if len(found) < len(after):
        return _unpaired(before, after, metric, margins, candidate.floor)
    if metric != "accuracy":
        return _of_intervals(before, after, found, metric, margins)
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
    known = [one for one in results.slices[-1].metrics if one in COMPARED]
    if name not in known:
        raise ValueError(
            "A gate must compare a metric of the results of which it is known "
            f"that more, or less, is better: {', '.join(known)}. "
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
    before: list[Metric],
    after: list[Metric],
    metric: str,
    margins: Any,
    floor: int,
) -> Differences:
    """From the intervals of both, taken as independent (MOVER).

    Of accuracies that is Newcombe's interval. The test takes its wider side,
    because far tails of skewed estimates are no normal's: by the near side
    alone, 9 % of runs of equally good models failed by `mae` of heavy tails.

    Source:
        Zou and Donner 2008, "Construction of confidence limits about effect
        measures".
    """
    (old, old_low, old_high), (new, new_low, new_high) = (
        [_ends(row, end) for end in ("value", "low", "high")]
        for row in (before, after)
    )
    value = new - old
    below = np.hypot(new - new_low, old_high - old)
    above = np.hypot(new_high - new, old - old_low)
    n = np.minimum(*(_ends(row, "n") for row in (before, after)))
    metrics = to_metrics(value, value - below, value + above, n, floor)
    loss = metric in LOSSES
    spread = np.maximum(below, above) / Z
    p = _p_values(-value if loss else value, spread, margins)
    largest = value + above if loss else below - value
    return Differences(False, before, after, metrics, largest, p, spread)


def _of_intervals(
    before: list[Metric],
    after: list[Metric],
    found: list[Metric],
    metric: str,
    margins: Any,
) -> Differences:
    """From the paired intervals that the candidate's results hold."""
    low, high = (_ends(found, end) for end in ("low", "high"))
    value = _ends(found, "value")
    spread = (high - low) / (2 * Z)
    loss = metric in LOSSES
    p = _p_values(-value if loss else value, spread, margins)
    largest = high if loss else -low
    return Differences(True, before, after, found, largest, p, spread)


def _differences(results: Results, metric: str) -> list[Metric]:
    """Returns paired differences, as far as the results hold them."""
    compared = [one.comparison for one in results.slices]
    found = [
        one.difference
        if metric == results.leading
        else one.differences.get(metric)
        for one in compared
        if one is not None
    ]
    return [one for one in found if one is not None]
