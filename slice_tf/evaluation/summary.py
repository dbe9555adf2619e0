"""From counts to what results.json says of each slice."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.evaluation.accumulate import UNIT, SliceCounts
from slice_tf.evaluation.calibration import NUM_GROUPS, calibration_groups
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.metric import Metric, ratio, to_metrics
from slice_tf.evaluation.metrics import CellMetric, mean_scores, slice_metrics
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.paired_scores import PairedScores
from slice_tf.evaluation.pairs import compare_pairs
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
    paired_scores: PairedScores | None,
    indicators: IndicatorCounts | None,
    floor: int,
    custom: Mapping[str, CellMetric] | None = None,
) -> tuple[SliceResult, ...]:
    """Returns what was counted of each slice, the base slice last."""
    names = (*schema.names, BASE)
    metrics = slice_metrics(counts, floor, custom)
    comparisons: list[Comparison | None] = [None] * len(names)
    if paired is not None and paired_scores is not None:
        comparisons = [*compare_pairs(counts, paired, paired_scores, floor)]
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
