"""Metrics per slice, with intervals, from counts alone."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.accumulate import BRIER, LOG_LOSS, SliceCounts
from slice_tf.evaluation.binary import binary_metrics, drawn, rate
from slice_tf.evaluation.calibration import calibration_metrics
from slice_tf.evaluation.evidence import worth
from slice_tf.evaluation.macro import macro_metrics, table_draws
from slice_tf.evaluation.metric import FLOOR, Metric, ratio, to_metrics
from slice_tf.evaluation.scores import bin_middles
from slice_tf.evaluation.units import UNIT

# From counts of shape `[..., classes, classes]`: label, predicted class, to
# values of shape `[...]`.
CellMetric = Callable[[Any], Any]


def slice_metrics(
    counts: SliceCounts,
    floor: int = FLOOR,
    custom: Mapping[str, CellMetric] | None = None,
) -> list[dict[str, Metric]]:
    """Returns each slice's metrics by name, the base slice last.

    Always: `accuracy`, `lift` (accuracy inside minus outside), `log_loss`
    (nats), `brier`, `calibration_bias`, `calibration_error`, `precision`,
    `recall`, `f1`, `mcc`. For two classes precision, recall and F1 are of
    class 1, and there are `false_positive_rate`, `false_negative_rate`,
    `auc` and `auc_pr`; for more they are means over the classes that occur as
    label or prediction, each class alike (`macro`).

    Args:
        counts: What was counted.
        floor: Metrics with a smaller denominator are `too few`.
        custom: Metrics of your own, from label by predicted class; their
            intervals come from Gamma draws of the cells.

    Raises:
        ValueError: If a custom metric has the name of another.
    """
    scale = worth(counts)
    cells = counts.confusion * scale[:, None, None]
    scores = counts.scores * scale[:, None, None]
    arrays = {
        **_accuracy(cells),
        **(
            binary_metrics(cells, scores)
            if counts.num_classes == 2
            else macro_metrics(cells)
        ),
        **_losses(counts, scale),
        **calibration_metrics(scores, mean_scores(counts)),
    }
    for name, metric in (custom or {}).items():
        if name in arrays:
            raise ValueError(
                "A custom metric must have a name of its own. "
                f"Received: name={name!r}"
            )
        arrays[name] = _custom(metric, cells)
    metrics = {
        name: to_metrics(value, low, high, n, floor)
        for name, (value, low, high, n) in arrays.items()
    }
    rows = zip(*metrics.values(), strict=True)
    return [dict(zip(metrics, row, strict=True)) for row in rows]


def mean_scores(counts: SliceCounts) -> Any:
    """Returns the mean score of each bin over all examples, `[bins]`.

    A slice's own differs by less than the width of the bin.
    """
    sizes, sums = counts.score_sums
    return np.nan_to_num(ratio(sums * UNIT, sizes))


def _accuracy(cells: Any) -> dict[str, tuple[Any, ...]]:
    right, sizes = np.trace(cells, axis1=1, axis2=2), cells.sum(axis=(1, 2))
    outside, others = right[-1] - right, sizes[-1] - sizes
    lift = ratio(right, sizes) - ratio(outside, others)
    ends = intervals.difference_of_independent_rates(
        right, sizes, outside, others
    )
    return {
        "accuracy": rate(right, sizes),
        "lift": (lift, *ends, np.minimum(sizes, others)),
    }


def _losses(counts: SliceCounts, scale: Any) -> dict[str, tuple[Any, ...]]:
    total = counts.confusion.sum(axis=(1, 2))
    size = total * scale
    weight = total * (UNIT if counts.weighted else 1)
    means = ratio(UNIT * counts.sums, weight)
    if counts.squares is not None:
        squares = ratio(UNIT * counts.squares, weight)
    else:
        squares = means**2 + _spread(counts.scores, total)
    found = {}
    for name, row in (("log_loss", LOG_LOSS), ("brier", BRIER)):
        mean, square = means[row], squares[row]
        usual = mean[-1], square[-1]
        ends = intervals.skewed_mean(mean, square, size, *usual)
        found[name] = (mean, *ends, size)
    return found


def _spread(scores: Any, total: Any) -> Any:
    """Variance of the losses of two classes, of shape `[2, slices + 1]`.

    Taken as if all scores lay in the middle of their bins, which is off by
    less than a hundredth: enough for an interval, and half the sums saved.
    """
    logits = bin_middles()
    margins = np.stack([-logits, logits])  # of event 0, of event 1
    log_losses = np.logaddexp(0, -margins)
    losses = np.stack([log_losses, (1 - np.exp(-log_losses)) ** 2])
    flat, cells = losses.reshape(2, -1), scores.reshape(len(scores), -1)
    means, squares = (ratio(x @ cells.T, total) for x in (flat, flat**2))
    return np.maximum(squares - means**2, 0)


def _custom(metric: CellMetric, cells: Any) -> tuple[Any, ...]:
    rows = [drawn(metric, one[None], table_draws(one)) for one in cells]
    value, low, high = np.array(rows)[:, :, 0].T
    return value, low, high, cells.sum(axis=(1, 2))
