"""From paired counts to how a candidate differs from its baseline."""

from typing import Any

import numpy as np

from slice_tf.confidence import wilson
from slice_tf.evaluation import intervals
from slice_tf.evaluation.accumulate import SliceCounts
from slice_tf.evaluation.binary import CELL_METRICS
from slice_tf.evaluation.evidence import worth_of_pairs
from slice_tf.evaluation.metric import Metric, ratio, to_metrics
from slice_tf.evaluation.metrics import CellMetric
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.paired_scores import (
    BRIER,
    LOG_LOSS,
    VERDICT,
    PairedScores,
)
from slice_tf.evaluation.results import Comparison
from slice_tf.evaluation.scores import (
    difference_of_areas,
    difference_of_clustered_areas,
)
from slice_tf.evaluation.units import UNIT

# Half a pseudo-pair for each way to differ: a small slice that shows no flip
# would be all but certain otherwise, and recall covered 0.72 at 30 positives.
PSEUDO_PAIRS = np.array([[0.125, 0.5], [0.5, 0.125]])


def compare_pairs(
    counts: SliceCounts, paired: PairedCounts, scores: PairedScores, floor: int
) -> list[Comparison]:
    """Returns each slice's candidate against its baseline, base last.

    Cells are those of as many independent pairs of equal weight as would say
    as much, so that every test and interval holds as it stands.
    """
    scale = worth_of_pairs(counts, paired.cells, scores)
    label_cells = _scaled(paired.label_cells, scale[VERDICT])
    cells = label_cells.sum(axis=1)
    sizes = cells.sum(axis=(1, 2))
    right = cells[:, 1].sum(axis=1)
    baseline = to_metrics(
        ratio(right, sizes), *wilson(right, sizes), sizes, floor
    )
    value = ratio(cells[:, 0, 1] - cells[:, 1, 0], sizes)
    low, high = intervals.difference_of_rates(cells)
    difference = _metrics(value, low, high, sizes, floor)
    changes = _changes_of_losses(counts, scores, scale, floor)
    two = counts.num_classes == 2
    if two:
        changes |= changes_of_cells(label_cells, floor)
        changes["auc"] = _changes_of_areas(counts, scores, scale, floor)
    return [
        Comparison(
            baseline[i],
            difference[i],
            intervals.mcnemar_mid_p(table[0, 1], table[1, 0])
            if sizes[i]
            else None,
            table.tolist(),
            {name: rows[i] for name, rows in changes.items()},
            label_cells[i].tolist() if two else None,
        )
        for i, table in enumerate(cells)
    ]


def _scaled(cells: Any, scale: Any) -> Any:
    """Cells times their worth; whole numbers where each is worth one."""
    if np.all(scale == 1):
        return cells
    return cells * scale.reshape(-1, *[1] * (cells.ndim - 1))


def _metrics(value: Any, low: Any, high: Any, n: Any, floor: int) -> Any:
    low, high = np.minimum(low, value), np.maximum(high, value)
    return to_metrics(value, low, high, n, floor)


def _changes_of_losses(
    counts: SliceCounts, scores: PairedScores, scale: Any, floor: int
) -> dict[str, list[Metric]]:
    total = counts.confusion.sum(axis=(1, 2))
    weight = total * (UNIT if counts.weighted else 1)
    # Of falls and of rises: the size that contributes most.
    sides = np.nan_to_num(ratio(scores.sides[..., 1], scores.sides[..., 0]))
    found = {}
    for name, row in (("log_loss", LOG_LOSS), ("brier", BRIER)):
        mean, square = (
            ratio(UNIT * sums[row], weight)
            for sums in (scores.sums, scores.squares)
        )
        size = total * scale[row]
        low, high = intervals.signed_mean(mean, square, size, *sides[:, row])
        found[name] = _metrics(mean, low, high, size, floor)
    return found


def _changes_of_areas(
    counts: SliceCounts, scores: PairedScores, scale: Any, floor: int
) -> list[Metric]:
    joint, baseline, candidate = (
        _scaled(cells, scale[VERDICT])
        for cells in (scores.joint, scores.baseline, counts.scores)
    )
    rarer = candidate.sum(axis=2).min(axis=1)
    if scores.areas is None:
        found = difference_of_areas(joint, baseline, candidate)
    else:
        found = difference_of_clustered_areas(
            scores.areas, baseline, candidate, rarer
        )
    areas: list[Metric] = _metrics(*found, rarer, floor)
    return areas


def changes_of_cells(label_cells: Any, floor: int) -> dict[str, list[Metric]]:
    """Returns paired differences of metrics of class 1, by name.

    Intervals are quantiles of draws of the eight cells. Coverage in
    simulations of 60 to 300 examples with 10 and 50 % positives, where 2 to
    10 % of verdicts change: 0.93 and more, up to 1.00 where hardly any does.

    Args:
        label_cells: Counts `[slices, 2, 2, 2]`: label, baseline correct,
            candidate correct.
        floor: Metrics with a smaller denominator are `too few`.
    """
    draws = intervals.gamma_draws(label_cells, PSEUDO_PAIRS)
    sizes = label_cells.sum(axis=(2, 3))
    under = {
        "precision": sizes[:, 1],
        "recall": sizes[:, 1],
        "f1": sizes[:, 1],
        "mcc": sizes.sum(axis=1),
    }
    found = {}
    for name, metric in CELL_METRICS.items():
        value = _change(metric, label_cells)
        low, high = intervals.quantiles(np.nan_to_num(_change(metric, draws)))
        found[name] = _metrics(value, low, high, under[name], floor)
    return found


def _change(metric: CellMetric, cells: Any) -> Any:
    """Candidate's minus baseline's, of cells `[..., label, 2, 2]`."""
    before, after = (
        metric(_table(cells.sum(axis=-1))),
        metric(_table(cells.sum(axis=-2))),
    )
    return after - before


def _table(correct: Any) -> Any:
    """From label by correct to label by predicted class."""
    flipped = correct[..., 0, ::-1], correct[..., 1, :]
    return np.stack(flipped, axis=-2)
