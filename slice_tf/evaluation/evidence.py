"""What counts are worth: as how many independent, equal examples."""

from typing import Any

import numpy as np

from slice_tf.evaluation.accumulate import NUM_BUCKETS, SliceCounts
from slice_tf.evaluation.metric import ratio
from slice_tf.evaluation.paired_scores import PairedScores
from slice_tf.evaluation.units import UNIT


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
    scale = _worth_of_weights(counts)
    if counts.buckets is not None:
        scale = scale / _effect_on_accuracy(counts.buckets, scale)
    return scale


def worth_of_pairs(
    counts: SliceCounts, cells: Any, scores: PairedScores
) -> Any:
    """Returns what a pair of one is worth in each slice, `[3, slices + 1]`.

    As `worth`, but clusters are judged by how differences vary between them:
    of log loss, of Brier score, of verdicts.

    Args:
        counts: The candidate's.
        cells: Counts `[slices + 1, 2, 2]`: baseline correct, candidate
            correct.
        scores: Differences of losses.
    """
    scale = np.tile(_worth_of_weights(counts), (3, 1))
    if counts.buckets is None or scores.buckets is None:
        return scale
    unit = UNIT if counts.weighted else 1
    sizes = unit * counts.buckets.sum(axis=2)
    total = sizes.sum(axis=1)
    changed = unit * (cells[:, 0, 1] + cells[:, 1, 0])
    squares = np.stack([*(UNIT * scores.squares), changed])
    sums = UNIT * scores.buckets
    mean = ratio(sums.sum(axis=2), total)
    variance = ratio(squares, total) - mean**2
    spread = ((sums - mean[..., None] * sizes) ** 2).sum(axis=2)
    examples = scale * total / unit
    return scale / design_effect(spread, total, ratio(variance, examples))


def _worth_of_weights(counts: SliceCounts) -> Any:
    if counts.weights is None:
        return np.ones(counts.num_slices + 1)
    total = counts.confusion.sum(axis=(1, 2))
    return np.nan_to_num(UNIT * ratio(total, counts.weights[1]))


def _effect_on_accuracy(buckets: Any, scale: Any) -> Any:
    """Design effect of clusters on a slice's accuracy.

    Args:
        buckets: Of shape `[slices + 1, buckets, 2]`: wrong or right.
        scale: Worth of a count, of shape `[slices + 1]`.
    """
    sizes, right = buckets.sum(axis=2), buckets[:, :, 1]
    total = sizes.sum(axis=1)
    rate = ratio(right.sum(axis=1), total)
    spread = ((right - rate[:, None] * sizes) ** 2).sum(axis=1)
    independent = ratio(rate * (1 - rate), total * scale)
    return design_effect(spread, total, independent)


def design_effect(spread: Any, total: Any, independent: Any) -> Any:
    """How many times the variance is that of independent examples.

    Args:
        spread: Sum over buckets of squared deviations from the mean.
        total: Sum of the buckets' sizes.
        independent: Variance of the mean of independent examples.
    """
    clustered = ratio(spread * NUM_BUCKETS / (NUM_BUCKETS - 1), total**2)
    effect = ratio(clustered, independent)
    # Where all is right or all wrong nothing varies: take the whole's.
    effect = np.where(np.isfinite(effect), effect, effect[..., -1:])
    return np.where(np.isfinite(effect), np.maximum(effect, 1.0), 1.0)
