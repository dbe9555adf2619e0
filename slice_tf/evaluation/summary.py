"""From counts to what results.json says of each slice."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.accumulate import UNIT, SliceCounts
from slice_tf.evaluation.binary import CELL_METRICS
from slice_tf.evaluation.calibration import NUM_GROUPS, calibration_groups
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.metric import Metric, ratio, to_metrics
from slice_tf.evaluation.metrics import CellMetric, mean_scores, slice_metrics
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.results import Comparison, SliceResult
from slice_tf.evaluation.scores import group_bins
from slice_tf.schema import BASE, SliceSchema

# More classes than this would make results.json mostly confusion cells.
LARGEST_CONFUSION = 50
NUM_SCORE_BINS = 32


def summarize(
    schema: SliceSchema,
    counts: SliceCounts,
    paired: PairedCounts | None,
    indicators: IndicatorCounts | None,
    floor: int,
    custom: Mapping[str, CellMetric] | None = None,
) -> tuple[SliceResult, ...]:
    """Returns what was counted of each slice, the base slice last."""
    names = (*schema.names, BASE)
    metrics = slice_metrics(counts, floor, custom)
    comparisons = _comparisons(paired, len(names), floor, counts.num_classes)
    qualities = _indicator_qualities(indicators, len(names), floor)
    sizes, unknown = counts.sizes.tolist(), counts.unknown.tolist()
    confusion = _confusion(counts)
    scores = group_bins(counts.scores, NUM_SCORE_BINS).tolist()
    calibration = _calibration(counts)
    learned = _indicator_scores(indicators, len(names))
    quality = _indicator_quality(indicators, len(names), floor)
    return tuple(
        SliceResult(
            name=name,
            size=sizes[i],
            unknown=unknown[i],
            metrics=metrics[i],
            comparison=comparisons[i],
            indicator=qualities[i],
            confusion=confusion[i],
            scores=scores[i],
            calibration=calibration[i],
            indicator_scores=learned[i],
            indicator_quality=quality[i],
        )
        for i, name in enumerate(names)
    )


def _comparisons(
    paired: PairedCounts | None, num_rows: int, floor: int, num_classes: int
) -> list[Comparison | None]:
    if paired is None:
        return [None] * num_rows
    cells = paired.cells
    sizes = cells.sum(axis=(1, 2))
    right = cells[:, 1].sum(axis=1)
    baseline = to_metrics(
        ratio(right, sizes), *intervals.wilson(right, sizes), sizes, floor
    )
    value = ratio(cells[:, 0, 1] - cells[:, 1, 0], sizes)
    low, high = intervals.difference_of_rates(cells)
    low, high = np.minimum(low, value), np.maximum(high, value)
    difference = to_metrics(value, low, high, sizes, floor)
    changes = _changes(paired, floor) if num_classes == 2 else {}
    return [
        Comparison(
            baseline[i],
            difference[i],
            _mid_p(table),
            table.tolist(),
            {name: rows[i] for name, rows in changes.items()},
            paired.label_cells[i].tolist() if changes else None,
        )
        for i, table in enumerate(cells)
    ]


def _changes(paired: PairedCounts, floor: int) -> dict[str, list[Metric]]:
    """Paired differences of metrics of class 1, from draws of eight cells.

    An eighth of a pseudo-example each leaves a slice where no verdict
    differs from being certain.
    """
    cells = paired.label_cells
    draws = intervals.gamma_draws(cells, 0.125)
    sizes = cells.sum(axis=(2, 3))
    under = {
        "precision": sizes[:, 1],
        "recall": sizes[:, 1],
        "f1": sizes[:, 1],
        "mcc": sizes.sum(axis=1),
    }
    found = {}
    for name, metric in CELL_METRICS.items():
        value = _change(metric, cells)
        low, high = intervals.quantiles(np.nan_to_num(_change(metric, draws)))
        low, high = np.minimum(low, value), np.maximum(high, value)
        found[name] = to_metrics(value, low, high, under[name], floor)
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


def _mid_p(table: Any) -> float | None:
    if not table.sum():
        return None
    return intervals.mcnemar_mid_p(int(table[0, 1]), int(table[1, 0]))


def _indicator_qualities(
    indicators: IndicatorCounts | None, num_rows: int, floor: int
) -> list[Metric | None]:
    if indicators is None:
        return [None] * num_rows
    return [*to_metrics(*indicators.area_under_curve(), floor), None]


def _confusion(counts: SliceCounts) -> list[Any]:
    if counts.num_classes > LARGEST_CONFUSION:
        return [None] * (counts.num_slices + 1)
    tables: list[Any] = counts.confusion.tolist()
    return tables


def _calibration(counts: SliceCounts) -> list[Any]:
    """Examples, rate of the event and mean score of each group of scores."""
    sizes, events, summed = calibration_groups(
        counts.scores, mean_scores(counts), NUM_GROUPS
    )
    unit = UNIT if counts.weighted else 1
    columns = (
        sizes * unit,
        np.nan_to_num(ratio(events, sizes)),
        np.nan_to_num(ratio(summed, sizes)),
    )
    groups: list[Any] = np.stack(columns, axis=-1).tolist()
    return groups


def _indicator_scores(
    indicators: IndicatorCounts | None, num_rows: int
) -> list[Any]:
    if indicators is None:
        return [None] * num_rows
    return [*group_bins(indicators.cells, NUM_SCORE_BINS).tolist(), None]


def _indicator_quality(
    indicators: IndicatorCounts | None, num_rows: int, floor: int
) -> list[dict[str, Metric] | None]:
    if indicators is None:
        return [None] * num_rows
    found = {
        name: to_metrics(*columns, floor)
        for name, columns in indicators.quality().items()
    }
    rows = zip(*found.values(), strict=True)
    return [*(dict(zip(found, row, strict=True)) for row in rows), None]
