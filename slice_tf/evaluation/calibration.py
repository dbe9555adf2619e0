"""Whether probabilities mean what they say."""

from typing import Any

import numpy as np

from slice_tf.confidence import Z
from slice_tf.evaluation.metric import ratio
from slice_tf.evaluation.scores import group_bins

NUM_GROUPS = 16


def calibration_metrics(
    scores: Any, mean_scores: Any
) -> dict[str, tuple[Any, ...]]:
    """Returns value, low, high and denominator of two metrics.

    `calibration_bias` is the mean score minus the rate of the event, with a
    score interval. `calibration_error` is the root mean square of that
    difference over 16 groups of scores, less what chance alone would show, so
    that a calibrated model's is near 0 whatever the number of examples.

    Args:
        scores: Counts of shape `[slices, 2, bins]`: event, bin.
        mean_scores: Mean score of each bin, of shape `[bins]`.

    Source:
        Kumar, Liang and Ma 2019, "Verified uncertainty calibration".
    """
    sizes = scores.sum(axis=1)
    n = sizes.sum(axis=1)
    return {
        "calibration_bias": (*_bias(scores, mean_scores, n), n),
        "calibration_error": (*_error(scores, mean_scores, n), n),
    }


def calibration_groups(scores: Any, mean_scores: Any, num_groups: int) -> Any:
    """Returns examples, events and summed scores, `[3, slices, groups]`."""
    sizes = scores.sum(axis=1)
    rows = (sizes, scores[:, 1], sizes * mean_scores)
    return np.stack([group_bins(row, num_groups) for row in rows])


def _bias(scores: Any, mean_scores: Any, n: Any) -> tuple[Any, ...]:
    """Score interval of the mean score minus the rate of the event.

    A slice of 30 with rare events often shows none, and the spread of its
    residuals says nothing then. So the variance is taken as a function of the
    true bias, as Wilson does: `V - b * (1 - 2 * mean) - b**2`, where `V` is
    what the scores promise, or what the residuals show where that is more.
    Where all scores are equal it is Wilson's interval.
    """
    sizes = scores.sum(axis=1)
    residuals = mean_scores - np.array([[0.0], [1.0]])
    value = ratio((scores * residuals).sum(axis=(1, 2)), n)
    squares = ratio((scores * residuals**2).sum(axis=(1, 2)), n)
    slope = 1 - 2 * ratio((sizes * mean_scores).sum(axis=1), n)
    promised = ratio((sizes * mean_scores * (1 - mean_scores)).sum(axis=1), n)
    spread = np.maximum(promised, squares + value * slope)
    step = ratio(Z**2, n)
    center = (value - step * slope / 2) / (1 + step)
    root = center**2 - (value**2 - step * spread) / (1 + step)
    half = np.sqrt(np.maximum(root, 0))
    low, high = center - half, center + half
    return value, np.minimum(low, value), np.maximum(high, value)


def _error(scores: Any, mean_scores: Any, n: Any) -> tuple[Any, ...]:
    sizes, events, summed = calibration_groups(scores, mean_scores, NUM_GROUPS)
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = np.nan_to_num((summed - events) / sizes)
        rates = np.nan_to_num(events / sizes)
        # Of a group of one example, the variance is bounded by 1 / 4.
        chance = rates * (1 - rates) / np.maximum(sizes - 1, 1)
        chance = np.where((sizes > 0) & (sizes < 2), 0.25, chance)
    shares = ratio(sizes, n[:, None])
    squared = (shares * (gaps**2 - chance)).sum(axis=1)
    # At least what the bias shows: few examples in many groups leave nothing
    # beyond chance of each, but all may lie to one side.
    bias, unsure = (shares * gaps).sum(axis=1), (shares**2 * chance).sum(axis=1)
    squared = np.maximum(squared, bias**2 - unsure)
    variance = (shares**2 * chance * (2 * chance + 4 * gaps**2)).sum(axis=1)
    half = Z * np.sqrt(variance)
    ends = (squared, squared - half, squared + half)
    value, low, high = (np.sqrt(np.maximum(end, 0)) for end in ends)
    return value, low, high
