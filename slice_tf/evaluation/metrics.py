"""Metrics per slice, with intervals, from counts alone."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.accumulate import LOSS_UNIT, SliceCounts
from slice_tf.evaluation.macro import macro_metrics
from slice_tf.evaluation.scores import area_under_curve

FLOOR = 30
OK, TOO_FEW, EMPTY = "ok", "too few", "empty"


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number and how far to trust it.

    Args:
        value: The estimate; None where nothing was counted.
        low: Lower end of the 95 % interval; None where there is none.
        high: Upper end.
        n: The denominator: examples, positives, or what the metric divides
            by.
        status: `ok`; `too few` where the denominator is below the floor;
            `empty` where it is zero.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    status: str


def to_metrics(
    value: Any, low: Any, high: Any, n: Any, floor: int = FLOOR
) -> list[Metric]:
    """Returns one `Metric` a slice from arrays of shape `[slices]`.

    NaN becomes None; a slice without a value is `empty`.
    """
    columns = (np.asarray(column).tolist() for column in (value, low, high, n))
    rows = zip(*columns, strict=True)
    return [_to_metric(v, start, end, m, floor) for v, start, end, m in rows]


def _to_metric(
    value: float, low: float, high: float, n: int, floor: int
) -> Metric:
    if n == 0 or value != value:
        return Metric(None, None, None, int(n), EMPTY)
    if low != low or high != high:
        return Metric(value, None, None, int(n), TOO_FEW)
    return Metric(value, low, high, int(n), OK if n >= floor else TOO_FEW)


def slice_metrics(
    counts: SliceCounts, floor: int = FLOOR
) -> list[dict[str, Metric]]:
    """Returns each slice's metrics by name, the base slice last.

    `accuracy`, `log_loss` (nats) and, for two classes, `precision`, `recall`,
    `f1` and `auc` of class 1; for more, `precision`, `recall` and `f1` are
    means over the classes that occur as label or prediction, each class alike
    (`macro`).
    """
    by_name = {
        "accuracy": _accuracy(counts),
        **(
            _binary(counts)
            if counts.num_classes == 2
            else macro_metrics(counts.confusion)
        ),
        "log_loss": _log_loss(counts),
    }
    metrics = {
        name: to_metrics(value, low, high, n, floor)
        for name, (value, low, high, n) in by_name.items()
    }
    rows = zip(*metrics.values(), strict=True)
    return [dict(zip(metrics, row, strict=True)) for row in rows]


def _accuracy(counts: SliceCounts) -> tuple[Any, ...]:
    correct = np.trace(counts.confusion, axis1=1, axis2=2)
    return _rate(correct, counts.sizes)


def _rate(successes: Any, totals: Any) -> tuple[Any, ...]:
    value = ratio(successes, totals)
    return value, *intervals.wilson(successes, totals), totals


def _log_loss(counts: SliceCounts) -> tuple[Any, ...]:
    total, squares = counts.loss_sums * LOSS_UNIT
    low, high = intervals.normal_mean(total, squares, counts.sizes)
    value = ratio(total, counts.sizes)
    return value, np.maximum(low, 0), high, counts.sizes


def _binary(counts: SliceCounts) -> dict[str, tuple[Any, ...]]:
    cells = counts.confusion
    hits, false, missed = cells[:, 1, 1], cells[:, 0, 1], cells[:, 1, 0]
    draws = intervals.gamma_draws(cells)
    value = _f1(cells)
    low, high = intervals.quantiles(_f1(draws))
    n1 = hits + missed
    scored = area_under_curve(counts.scores)
    return {
        "precision": _rate(hits, hits + false),
        "recall": _rate(hits, n1),
        "f1": (
            value,
            np.minimum(low, value),
            np.maximum(high, value),
            hits + false + missed,
        ),
        "auc": (*scored, np.minimum(n1, counts.sizes - n1)),
    }


def _f1(cells: Any) -> Any:
    hits = 2 * cells[..., 1, 1]
    return ratio(hits, hits + cells[..., 0, 1] + cells[..., 1, 0])


def ratio(over: Any, under: Any) -> Any:
    """Divides; NaN where `under` is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(over, under)
