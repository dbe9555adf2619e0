"""Histograms of errors of any size, and what a page shows of them.

Bins are equally wide in the logarithm of an error's size, 16 for each
doubling, so that counting needs to know nothing of the unit of what is
predicted; a bin is 4 % wide.
"""

from typing import Any

import numpy as np

_PER_DOUBLING = 16
# Powers of two; what is smaller or larger counts as this small or large.
_SMALLEST, _LARGEST = -40, 56
_SIDE = _PER_DOUBLING * (_LARGEST - _SMALLEST)
NUM_ERROR_BINS = 2 * _SIDE
# Share of a slice's errors that even bins may leave out at either end, and how
# many times farther than those of all examples they may reach for it.
_TAIL, _FARTHEST = 0.01, 4.0


def bins_of_errors(errors: Any) -> Any:
    """Returns the bin of each error, from the most negative, int64 `[batch]`.

    Args:
        errors: Finite, of shape `[batch]`.
    """
    with np.errstate(divide="ignore"):
        steps = _PER_DOUBLING * (np.log2(np.abs(errors)) - _SMALLEST)
    place = np.clip(steps, 0, _SIDE - 1).astype(np.int64)
    return np.where(errors < 0, _SIDE - 1 - place, _SIDE + place)


def _edges() -> Any:
    """Edges of the bins, of shape `[bins + 1]`."""
    sizes = 2.0 ** (np.arange(1, _SIDE + 1) / _PER_DOUBLING + _SMALLEST)
    return np.concatenate([-sizes[::-1], [0.0], sizes])


def even_edges(histogram: Any, num_bins: int) -> Any:
    """Returns edges of even bins for all errors but the far tails.

    Args:
        histogram: Counts, of shape `[slices + 1, bins]`, base slice last.
        num_bins: Number of even bins.
    """
    tails = np.array([_TAIL, 1 - _TAIL])
    ends = np.stack(
        [
            np.interp(tails * max(row[-1], 1), row, _edges())
            for row in _below(histogram)
        ]
    )
    enough = histogram.sum(axis=1) > 1 / _TAIL
    enough[-1] = True
    reach = _FARTHEST * np.abs(ends[-1]).max()
    low, high = ends[enough, 0].min(), ends[enough, 1].max()
    return np.linspace(
        max(min(low, 0.0), -reach), min(max(high, 0.0), reach), num_bins + 1
    )


def into_even_bins(histogram: Any, edges: Any) -> Any:
    """Returns counts in even bins; what lies outside counts in the last.

    A bin's errors are taken to be spread evenly over its width.

    Args:
        histogram: Counts, of shape `[slices + 1, bins]`.
        edges: Of even bins, as `even_edges` returns them.
    """
    below = _below(histogram)
    found = np.stack([np.interp(edges, _edges(), row) for row in below])
    found[:, 0], found[:, -1] = 0, below[:, -1]
    return np.diff(found, axis=1)


def _below(histogram: Any) -> Any:
    """Counts below each edge, of shape `[slices + 1, bins + 1]`."""
    zero = np.zeros((len(histogram), 1))
    return np.concatenate([zero, np.cumsum(histogram, axis=1)], axis=1)
