"""From counts to what results.json says of each slice."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.evaluation.accumulate import SliceCounts
from slice_tf.evaluation.calibration import NUM_GROUPS, calibration_groups
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.metric import ratio, to_metrics
from slice_tf.evaluation.metrics import CellMetric, mean_scores, slice_metrics
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.paired_scores import PairedScores
from slice_tf.evaluation.pairs import compare_pairs
from slice_tf.evaluation.results import Comparison, SliceResult
from slice_tf.evaluation.scores import group_bins
from slice_tf.evaluation.units import UNIT
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
    learned = indicator_facts(indicators, len(names), floor)
    sizes, unknown = counts.sizes.tolist(), counts.unknown.tolist()
    confusion = _confusion(counts)
    scores = group_bins(counts.scores, NUM_SCORE_BINS).tolist()
    calibration = _calibration(counts)
    return tuple(
        SliceResult(
            name=name,
            size=sizes[i],
            unknown=unknown[i],
            metrics=metrics[i],
            comparison=comparisons[i],
            confusion=confusion[i],
            scores=scores[i],
            calibration=calibration[i],
            **learned[i],
        )
        for i, name in enumerate(names)
    )


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


def indicator_facts(
    indicators: IndicatorCounts | None, num_rows: int, floor: int
) -> list[dict[str, Any]]:
    """Returns fields of each `SliceResult`: none where there is no indicator.

    Args:
        indicators: What was counted of them, or None.
        num_rows: Slices, and the base slice, which has no indicator.
        floor: Metrics with a smaller denominator are `too few`.
    """
    if indicators is None:
        return [{} for _ in range(num_rows)]
    areas = to_metrics(*indicators.area_under_curve(), floor)
    scores = group_bins(indicators.cells, NUM_SCORE_BINS).tolist()
    found = {
        name: to_metrics(*columns, floor)
        for name, columns in indicators.quality().items()
    }
    quality = zip(*found.values(), strict=True)
    rows: list[dict[str, Any]] = [
        {
            "indicator": area,
            "indicator_scores": cells,
            "indicator_quality": dict(zip(found, row, strict=True)),
        }
        for area, cells, row in zip(areas, scores, quality, strict=True)
    ]
    return [*rows, {}]
