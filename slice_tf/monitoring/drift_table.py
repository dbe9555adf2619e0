"""Slices in traffic, and what has become of them, as tables."""

import math
from collections.abc import Sequence

from slice_tf.evaluation.table import NOTHING, Table
from slice_tf.monitoring.accuracy import AccuracyEstimate
from slice_tf.monitoring.change import Change, SliceDrift
from slice_tf.monitoring.estimates import shares_of
from slice_tf.monitoring.traffic import TrafficCounts


def shares_table(counts: TrafficCounts) -> Table:
    """Returns headers and rows: one row a slice, without the base slice."""
    shares = shares_of(counts)
    ends = zip(shares.value.tolist(), *shares.ends(), strict=True)
    return ["slice", "members", "share, % [95 %]"], [
        [name, f"{members:,.0f}", _interval(*share, scale=100, digits=1)]
        for name, members, share in zip(
            counts.slices, counts.members[:-1], ends, strict=True
        )
    ]


def drift_table(drift: Sequence[SliceDrift]) -> Table:
    """Returns headers and rows: one row a slice, the base slice last.

    Where something has moved since a known window, a column tells it.
    """
    headers = ["slice", "members", "share, % [95 %]", "was, %"]
    headers += ["output", "mean [95 %]", "was", "verdict"]
    rows = [_row(one) for one in drift]
    if any(one.since for one in drift):
        headers.append("since")
        for row, one in zip(rows, drift, strict=True):
            row.append(one.since or NOTHING)
    return headers, rows


def accuracy_table(accuracy: Sequence[AccuracyEstimate]) -> Table:
    """Returns headers and rows: one row a slice, the base slice last."""
    headers = ["slice", "estimated accuracy, % [95 %]", "labelled, %"]
    return headers, [
        [
            one.name,
            f"cannot be told: {one.unknown}"
            if one.unknown
            else _interval(one.value, one.low, one.high, scale=100, digits=1),
            _number(one.labelled, 100, 1),
        ]
        for one in accuracy
    ]


def _row(one: SliceDrift) -> list[str]:
    return [
        one.name,
        f"{one.members:,.0f}",
        *_cells(one.share, 100, 1),
        str(one.output),
        *_cells(one.prediction, 1, 3),
        one.verdict,
    ]


def _cells(change: Change | None, scale: float, digits: int) -> list[str]:
    if change is None:
        return [NOTHING, NOTHING]
    return [
        _interval(change.value, change.low, change.high, scale, digits),
        _number(change.reference, scale, digits),
    ]


def _interval(
    value: float, low: float, high: float, scale: float, digits: int
) -> str:
    if math.isnan(value):
        return NOTHING
    ends = ", ".join(_number(one, scale, digits) for one in (low, high))
    return f"{_number(value, scale, digits)} [{ends}]"


def _number(value: float, scale: float, digits: int) -> str:
    return NOTHING if math.isnan(value) else f"{scale * value:.{digits}f}"
