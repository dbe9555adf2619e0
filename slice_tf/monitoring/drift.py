"""Whether slices are what they were."""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.evaluation.multiple import benjamini_hochberg
from slice_tf.monitoring.estimates import Estimate, means_of, shares_of
from slice_tf.monitoring.traffic import (
    PREDICTIONS,
    TrafficCounts,
    check_alike,
)
from slice_tf.schema import BASE

STEADY, MOVED, TOO_FEW = "steady", "moved", "too few"

_LEAST_MEMBERS = 30.0  # for normal intervals: experiments/drift_alarms.py
_LEAST_REQUESTS = 30

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Change:
    """One quantity of a slice, now and in the reference.

    Args:
        value: As it is now.
        low: Lower end of its 95 % interval.
        high: Upper end.
        reference: As it was.
        p_value: Of the hypothesis that it has changed by no more than the
            margin, adjusted for all that was asked; NaN where there is too
            little to tell.
        verdict: `steady`, `moved` or `too few`.
    """

    value: float
    low: float
    high: float
    reference: float
    p_value: float
    verdict: str


@dataclasses.dataclass(frozen=True)
class SliceDrift:
    """What has become of one slice.

    Args:
        name: Of the slice, or `base` for all examples.
        members: Examples in it, as the indicator sees them.
        share: Of all examples, from 0 to 1; None for the base slice.
        prediction: The mean of the output that has changed most.
        output: Index of that output: a class or a label, 0 of a number.
    """

    name: str
    members: float
    share: Change | None
    prediction: Change
    output: int

    @property
    def verdict(self) -> str:
        """`moved` if anything has, `too few` if nothing could be told."""
        found = {one.verdict for one in (self.share, self.prediction) if one}
        return next(one for one in (MOVED, STEADY, TOO_FEW) if one in found)


def find_drift(
    current: TrafficCounts,
    reference: TrafficCounts,
    *,
    share_margin: float = 0.2,
    prediction_margin: float = 0.1,
    false_discovery_rate: float = 0.05,
) -> list[SliceDrift]:
    """Compares slices in two sets of answers, of the same slices.

    A quantity has moved where it has changed by more than its margin, beyond
    what chance gives: a change within the margin is of no interest however
    sure it is, and one beyond it may be chance where there are few requests.
    Of the means of a slice's outputs, the surest change counts, and pays for
    being chosen. The expected share of false alarms among alarms is at most
    `false_discovery_rate`.

    Args:
        current: What is served now, or by a new version.
        reference: What it should be like: of test data, a first week, or the
            version before.
        share_margin: Tolerated change of a slice's share, as a part of the
            share in the reference.
        prediction_margin: Tolerated change of the mean of an output within a
            slice; of probabilities absolute, of a number in standard
            deviations of the reference.
        false_discovery_rate: Above 0 and below 1.

    Returns:
        One for each slice, the base slice last.

    Raises:
        ValueError: If the two differ in slices or outputs, or a number is
            out of range.

    Source:
        Ratios of sums over clusters: Cochran 1977, "Sampling Techniques",
        section 6.3, to first order. Adjustment: Benjamini and Hochberg 1995.
    """
    check_alike(current, reference)
    _check_range("share_margin", share_margin, math.inf)
    _check_range("prediction_margin", prediction_margin, math.inf)
    _check_range("false_discovery_rate", false_discovery_rate, 1.0)
    enough = _enough(current, reference)
    shares, were = shares_of(current), shares_of(reference)
    share_p = _p_values(shares, were, share_margin * were.value)
    share_p = np.where(enough[:-1], share_p, np.nan)
    means, base = means_of(current), means_of(reference)
    unit = _spread(reference) if current.output == PREDICTIONS else 1.0
    mean_p = _p_values(means, base, prediction_margin * unit)
    chosen = _surest(mean_p, means.value - base.value)
    # Bonferroni: what was chosen among several pays for it.
    output_p = np.minimum(1.0, mean_p.shape[1] * _pick(mean_p, chosen))
    output_p = np.where(enough, output_p, np.nan)
    p = np.concatenate([share_p, output_p])
    p[~np.isnan(p)] = benjamini_hochberg(p[~np.isnan(p)])
    rate = false_discovery_rate
    return [
        SliceDrift(name, float(members), *parts)
        for name, members, *parts in zip(
            (*current.slices, BASE),
            current.members,
            (*_changes(shares, were, p[: len(share_p)], rate), None),
            _changes(
                Estimate(*(_pick(one, chosen) for one in means)),
                Estimate(*(_pick(one, chosen) for one in base)),
                p[len(share_p) :],
                rate,
            ),
            chosen.tolist(),
            strict=True,
        )
    ]


def _p_values(now: Estimate, then: Estimate, margin: Any) -> _Floats:
    """Returns p values of a change that is within the margin."""
    beyond = np.abs(now.value - then.value) - margin
    with np.errstate(invalid="ignore", divide="ignore"):
        z = beyond / np.hypot(now.error, then.error) / math.sqrt(2)
    # Where nothing spreads, a change is certain, and no change is none.
    p = np.reshape([math.erfc(one) for one in np.nan_to_num(z).flat], z.shape)
    return np.where(np.isnan(beyond), np.nan, np.minimum(1.0, p))


def _surest(p: _Floats, change: _Floats) -> Any:
    """Returns of each row the index of the least p value.

    Of equal ones, it is that of the largest change.
    """
    return np.lexsort((-np.abs(change), p), axis=-1)[:, 0]


def _pick(values: _Floats, chosen: Any) -> _Floats:
    return np.take_along_axis(values, chosen[:, None], axis=-1)[:, 0]


def _changes(
    now: Estimate, then: Estimate, p: _Floats, rate: float
) -> list[Change]:
    rows = np.stack([now.value, *now.ends(), then.value, p], axis=-1)
    return [
        Change(value, low, high, reference, one, _verdict(one, rate))
        for value, low, high, reference, one in rows.tolist()
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
    return (pooled * sizes.min() >= _LEAST_MEMBERS) & (
        requests >= _LEAST_REQUESTS
    )


def _check_range(name: str, value: float, below: float) -> None:
    if not 0 <= value < below:
        raise ValueError(
            f"`{name}` must be at least 0 and below {below:g}. "
            f"Received: {name}={value}"
        )
