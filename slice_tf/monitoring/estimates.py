"""What counts of traffic say, and how surely.

Source:
    Ratios of sums over clusters: Cochran 1977, "Sampling Techniques", section
    6.3, to first order. A cluster is a request.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slice_tf.confidence import Z
from slice_tf.monitoring.traffic import TrafficCounts

# For normal intervals: experiments/drift_alarms.py.
LEAST_MEMBERS = 30.0
LEAST_REQUESTS = 30

_Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """Values, their standard errors, and what they are means of.

    Args:
        value: Of any shape.
        error: Of the same shape.
        size: Examples, or members of a slice, of the same shape.
    """

    value: _Floats
    error: _Floats
    size: _Floats

    def ends(self) -> tuple[_Floats, _Floats]:
        """Returns both ends of 95 % intervals."""
        return self.value - Z * self.error, self.value + Z * self.error


def shares_of(counts: TrafficCounts) -> Estimate:
    """Returns the share of each slice, `[slices]`."""
    return _ratio(
        counts.num_requests,
        counts.members[:-1],
        counts.members_squared[:-1],
        counts.members[-1],
        counts.members_squared[-1],
        counts.members_examples[:-1],
    )


def means_of(counts: TrafficCounts) -> Estimate:
    """Returns means of outputs in each slice, `[slices + 1, outputs]`."""
    return _mean(counts, slice(counts.num_outputs))


def confidence_of(counts: TrafficCounts) -> Estimate:
    """Returns the mean of the largest probability in each slice.

    Its shape is `[slices + 1]`; of a predicted number it means nothing.
    """
    return Estimate(*(one[:, 0] for one in _mean(counts, slice(-1, None))))


def _mean(counts: TrafficCounts, columns: slice) -> Estimate:
    return _ratio(
        counts.num_requests,
        counts.outputs[:, columns],
        counts.outputs_squared[:, columns],
        counts.members[:, None],
        counts.members_squared[:, None],
        counts.outputs_members[:, columns],
    )


def _ratio(num: int, y: Any, yy: Any, x: Any, xx: Any, xy: Any) -> Estimate:
    """Returns `sum y / sum x` over requests, from sums of squares."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = y / x
        residual = np.maximum(yy - 2 * ratio * xy + ratio**2 * xx, 0.0)
        error = np.sqrt(residual * num / max(1, num - 1)) / x
        return Estimate(ratio, error, np.broadcast_to(x, ratio.shape))
