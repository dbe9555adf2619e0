"""What counts are worth: as how many independent, equal examples."""

from typing import Any

import numpy as np

from slice_tf.evaluation.accumulate import (
    NUM_BUCKETS,
    UNIT,
    SliceCounts,
)
from slice_tf.evaluation.metric import ratio


def worth(counts: SliceCounts) -> Any:
    """Returns what a count of one is worth in each slice, `[slices + 1]`.

    Cells times their worth are counts of independent examples of equal
    weight that would say as much, so that every interval holds as it stands.
    Without weights and clusters that is one.

    With weights, `(sum w)**2 / sum w**2` examples are left of a slice
    (Kish). With clusters, the variance of a slice's accuracy between buckets
    of clusters is divided by what independent examples would show; a slice
    is never worth more than its size.

    Source:
        Kish 1965, "Survey Sampling", sections 8.2 (clusters) and 11.7
        (weights).
    """
    scale = np.ones(counts.num_slices + 1)
    if counts.weights is not None:
        total = counts.confusion.sum(axis=(1, 2))
        squares = counts.weights[1]
        scale = np.nan_to_num(UNIT * ratio(total, squares))
    if counts.buckets is not None:
        scale = scale / _design_effect(counts.buckets, scale)
    return scale


def _design_effect(buckets: Any, scale: Any) -> Any:
    """How many times the variance is that of independent examples.

    Args:
        buckets: Of shape `[slices + 1, buckets, 2]`: wrong or right.
        scale: Worth of a count, of shape `[slices + 1]`.
    """
    sizes, right = buckets.sum(axis=2), buckets[:, :, 1]
    total = sizes.sum(axis=1)
    rate = ratio(right.sum(axis=1), total)
    spread = ((right - rate[:, None] * sizes) ** 2).sum(axis=1)
    clustered = ratio(spread * NUM_BUCKETS / (NUM_BUCKETS - 1), total**2)
    independent = ratio(rate * (1 - rate), total * scale)
    effect = ratio(clustered, independent)
    # Where all is right or all wrong nothing varies: take the whole's.
    effect = np.where(np.isfinite(effect), effect, effect[-1])
    return np.where(np.isfinite(effect), np.maximum(effect, 1.0), 1.0)
