"""From counts of predicted numbers to what results.json says of each slice."""

from typing import TYPE_CHECKING, Any

import numpy as np

from slice_tf.evaluation.error_bins import even_edges, into_even_bins
from slice_tf.evaluation.error_metrics import (
    baseline_error,
    by_slice,
    error_changes,
)
from slice_tf.evaluation.metric import ratio
from slice_tf.evaluation.results import Comparison, SliceResult
from slice_tf.evaluation.summary import indicator_facts
from slice_tf.evaluation.units import UNIT
from slice_tf.schema import BASE

if TYPE_CHECKING:
    from slice_tf.evaluation.regression import RegressionCounts

_SHOWN_BINS = 48


def summarize_errors(
    counts: "RegressionCounts", floor: int
) -> tuple[tuple[SliceResult, ...], list[float]]:
    """Returns what was counted of each slice, and edges of bins of errors."""
    unit = UNIT if counts.weighted else 1
    errors = counts.errors * unit
    edges = even_edges(errors, _SHOWN_BINS)
    names, sizes = (*counts.schema.names, BASE), counts.sizes.astype(np.int64)
    metrics, shown = counts.metrics(floor), _shown(errors, edges)
    comparisons: list[Comparison | None] = [None] * len(names)
    if counts.paired:
        before = _shown(counts.baseline_errors * unit, edges)
        comparisons = [*_compare(counts, before, floor)]
    learned = indicator_facts(counts.indicators, len(names), floor)
    slices = tuple(
        SliceResult(
            name=name,
            size=int(sizes[i]),
            unknown=int(counts.unknown[i]),
            metrics=metrics[i],
            comparison=comparisons[i],
            errors=shown[i],
            **learned[i],
        )
        for i, name in enumerate(names)
    )
    return slices, edges.tolist()


def _compare(
    counts: "RegressionCounts", errors: list[list[float]], floor: int
) -> list[Comparison]:
    moments = counts.moments
    # Of falls and of rises: the size that contributes most.
    sides = np.nan_to_num(ratio(counts.sides[..., 1], counts.sides[..., 0]))
    baseline = baseline_error(moments, floor)
    return [
        Comparison(
            baseline=baseline[i],
            difference=row.pop("mae"),
            mid_p=None,
            cells=None,
            differences=row,
            errors=errors[i],
        )
        for i, row in enumerate(by_slice(error_changes(moments, sides, floor)))
    ]


def _shown(histogram: Any, edges: Any) -> list[list[float]]:
    rows: list[list[float]] = into_even_bins(histogram, edges).round(2).tolist()
    return rows
