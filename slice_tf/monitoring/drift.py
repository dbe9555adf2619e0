"""Whether slices are what they were, and since when they are not."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.evaluation.multiple import benjamini_hochberg
from slice_tf.monitoring.change import (
    MOVED,
    STEADY,
    TOO_FEW,
    Change,
    SliceDrift,
)
from slice_tf.monitoring.estimates import (
    LEAST_MEMBERS,
    LEAST_REQUESTS,
    means_of,
    shares_of,
)
from slice_tf.monitoring.series import Series, series_of
from slice_tf.monitoring.traffic import (
    PREDICTIONS,
    TrafficCounts,
    check_alike,
)
from slice_tf.monitoring.windows import WHOLE, every_of, merge_windows
from slice_tf.schema import BASE

_Floats = npt.NDArray[np.float64]


def find_drift(
    current: TrafficCounts,
    reference: TrafficCounts,
    *,
    share_margin: float = 0.2,
    prediction_margin: float = 0.1,
    false_discovery_rate: float = 0.05,
) -> list[SliceDrift]:
    """Compares slices in two sets of answers, of the same slices.

    Args:
        current: What is served now, or by a new version.
        reference: What it should be like: of test data, a first week, or the
            version before.
        share_margin: As of `drift_by_window`.
        prediction_margin: Likewise.
        false_discovery_rate: Likewise.

    Returns:
        One for each slice, the base slice last.

    Raises:
        ValueError: If the two differ in slices or outputs, or a number is
            out of range.
    """
    return drift_by_window(
        {WHOLE: current},
        {WHOLE: reference},
        share_margin=share_margin,
        prediction_margin=prediction_margin,
        false_discovery_rate=false_discovery_rate,
    )[WHOLE]


def drift_by_window(
    windows: Mapping[str, TrafficCounts],
    reference: Mapping[str, TrafficCounts],
    *,
    share_margin: float = 0.2,
    prediction_margin: float = 0.1,
    false_discovery_rate: float = 0.05,
) -> dict[str, list[SliceDrift]]:
    """Compares slices in each window of time with a reference.

    A quantity has moved where it has changed by more than its margin, beyond
    what chance gives and what windows of the reference vary by: a change
    within the margin is of no interest however sure it is, and one beyond it
    may be chance where there are few requests. Of the means of a slice's
    outputs, the surest change of any window counts, and pays for being
    chosen. The expected share of false alarms among all alarms, of slices
    and windows, is at most `false_discovery_rate`.

    Args:
        windows: Counts by window, whose names sort by time.
        reference: What they should be like, by windows as long, or as one.
        share_margin: Tolerated change of a slice's share, as a part of the
            share in the reference.
        prediction_margin: Tolerated change of the mean of an output within a
            slice; of probabilities absolute, of a number in standard
            deviations of the reference.
        false_discovery_rate: Above 0 and below 1.

    Returns:
        For each window, in order of time, one for each slice, the base slice
        last. Of a slice, all are of the same output.

    Raises:
        ValueError: If counts differ in slices or outputs, there are none, or
            a number is out of range.

    Source:
        Ratios of sums over clusters: Cochran 1977, "Sampling Techniques",
        section 6.3, to first order. Adjustment: Benjamini and Hochberg 1995.
        When it began: the maximum likelihood of Page 1954, "Continuous
        inspection schemes", looking back from the window.
    """
    _check_range("share_margin", share_margin, math.inf)
    _check_range("prediction_margin", prediction_margin, math.inf)
    _check_range("false_discovery_rate", false_discovery_rate, 1.0)
    now, then = dict(sorted(windows.items())), merge_windows(reference)
    check_alike(merge_windows(now), then)
    if every_of(now) != every_of(reference):
        reference = {WHOLE: then}  # What days vary by says nothing of hours.
    shares = series_of(now, reference, shares_of, share_margin, relative=True)
    unit = _spread(then) if then.output == PREDICTIONS else 1.0
    means = series_of(now, reference, means_of, prediction_margin * unit)
    enough = np.stack([_enough(one, then) for one in now.values()])
    shares.p_value[~enough[:, :-1]] = np.nan
    means.p_value[~enough] = np.nan
    chosen = _surest(means)
    # Bonferroni: what was chosen among several pays for it.
    paid = np.minimum(1.0, means.p_value.shape[-1] * means.p_value)
    means = means._replace(p_value=paid).pick(chosen)
    _adjust(shares.p_value, means.p_value)
    rate = false_discovery_rate
    changes = zip(
        _changes(shares, list(now), rate),
        _changes(means, list(now), rate),
        strict=True,
    )
    return {
        start: [
            SliceDrift(name, members, *parts)
            for name, members, *parts in zip(
                (*then.slices, BASE),
                counts.members.tolist(),
                (*of_shares, None),
                of_means,
                chosen.tolist(),
                strict=True,
            )
        ]
        for (start, counts), (of_shares, of_means) in zip(
            now.items(), changes, strict=True
        )
    }


def latest_drift(
    by_window: Mapping[str, Sequence[SliceDrift]],
) -> list[SliceDrift]:
    """Returns of each slice what became of it in the last window that tells.

    Args:
        by_window: What `drift_by_window` gave.
    """
    latest: list[SliceDrift] = []
    for of_slice in zip(*by_window.values(), strict=True):
        told = [one for one in of_slice if one.verdict != TOO_FEW]
        latest.append((told or of_slice)[-1])
    return latest


def _surest(means: Series) -> Any:
    """Returns for each slice the output that has changed most surely.

    Of equal ones, it is that of the largest change.
    """
    p = np.nan_to_num(means.p_value, nan=1.0).min(axis=0)
    change = np.nan_to_num(np.abs(means.change)).max(axis=0)
    return np.lexsort((-change, p), axis=-1)[:, 0]


def _adjust(*p_values: _Floats) -> None:
    """Adjusts p values, in place, for having asked them all together."""
    told = [~np.isnan(one) for one in p_values]
    asked = [one[mask] for one, mask in zip(p_values, told, strict=True)]
    ends = np.cumsum([len(one) for one in asked])[:-1]
    adjusted = np.split(benjamini_hochberg(np.concatenate(asked)), ends)
    for one, mask, p in zip(p_values, told, adjusted, strict=True):
        one[mask] = p


def _changes(
    series: Series, starts: Sequence[str], rate: float
) -> Iterator[list[Change]]:
    """Yields for each window the changes of its slices."""
    rows = np.stack(
        [
            series.now.value,
            *series.now.ends(),
            np.broadcast_to(series.reference, series.now.value.shape),
            series.p_value,
        ],
        axis=-1,
    )
    for window, row in enumerate(rows.tolist()):
        yield [
            Change(value, low, high, reference, p, _verdict(p, rate), began)
            for column, (value, low, high, reference, p) in enumerate(row)
            for began in [
                starts[series.since(window, column)]
                if p <= rate and len(starts) > 1
                else None
            ]
        ]


def _verdict(p: float, rate: float) -> str:
    if math.isnan(p):
        return TOO_FEW
    return MOVED if p <= rate else STEADY


def _spread(counts: TrafficCounts) -> float:
    """Returns the standard deviation of a predicted number."""
    mean, square = counts.outputs[-1] / max(1, counts.num_examples)
    return math.sqrt(max(square - mean**2, 0.0))


def _enough(one: TrafficCounts, other: TrafficCounts) -> Any:
    """Tells of which slices, the base slice last, there is enough.

    Enough members must be expected in both if the slice has not moved, so
    that a slice that has vanished is told all the same.
    """
    sizes = np.array([one.members[-1], other.members[-1]])
    pooled = (one.members + other.members) / max(1.0, sizes.sum())
    requests = min(one.num_requests, other.num_requests)
    return (pooled * sizes.min() >= LEAST_MEMBERS) & (
        requests >= LEAST_REQUESTS
    )


def _check_range(name: str, value: float, below: float) -> None:
    if not 0 <= value < below:
        raise ValueError(
            f"`{name}` must be at least 0 and below {below:g}. "
            f"Received: {name}={value}"
        )
