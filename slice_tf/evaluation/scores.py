"""Histograms of scores, and the areas under curves that they give.

Bins are equally wide in `x / (2 + |x|)` of the log-odds `x`, not in
probability: a confident model puts most of its scores within a thousandth of
0 or 1, where equal steps of probability could not tell them apart. Areas of
50,000 examples agree with exact ones to about 1e-5, whether scores are spread
over one unit of log-odds or over ten.
"""

from typing import Any

import numpy as np

from slice_tf.confidence import Z

NUM_BINS = 2048
# What is nearer to 0 or 1 counts as this near.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)
_BEND = 2.0  # log-odds where half of a side's bins are spent


def bins_of_logits(logits: Any) -> Any:
    """Returns the bin of each log-odds, int64 of the same shape.

    The upper half of the bins takes what is positive or zero.
    """
    array = np.asarray(logits)
    scaled = (array / (_BEND + np.abs(array)) + 1) * (NUM_BINS / 2)
    return np.minimum(scaled.astype(np.int64), NUM_BINS - 1)


def bins_of_probabilities(probabilities: Any) -> Any:
    """Returns the bin of each probability, int64 of the same shape."""
    smallest = SMALLEST_PROBABILITY
    inside = np.clip(probabilities, smallest, 1 - smallest)
    return bins_of_logits(np.log(inside / (1 - inside)))


def bin_edges(num_bins: int) -> Any:
    """Returns the edges of bins as probabilities, `[num_bins + 1]`.

    Args:
        num_bins: Number of bins, which divides `NUM_BINS`: the fine bins, or
            as many groups of neighbours.
    """
    bent = np.linspace(-1, 1, num_bins + 1)[1:-1]
    logits = np.clip(_BEND * bent / (1 - np.abs(bent)), -700, 700)
    return np.concatenate([[0.0], 1 / (1 + np.exp(-logits)), [1.0]])


def bin_middles() -> Any:
    """Returns the log-odds in the middle of each bin, `[bins]`."""
    bent = (np.arange(NUM_BINS) + 0.5) * (2 / NUM_BINS) - 1
    return _BEND * bent / (1 - np.abs(bent))


def group_bins(histogram: Any, num_bins: int) -> Any:
    """Adds up neighbouring bins, over the last axis."""
    array = np.asarray(histogram)
    return array.reshape(*array.shape[:-1], num_bins, -1).sum(axis=-1)


def area_under_roc(histogram: Any) -> tuple[Any, Any, Any]:
    """Area under the ROC curve with a 95 % interval, from histograms.

    Scores that share a bin count as ties. The variance is DeLong's and that
    of one pseudo-example of the rarer label; the interval is symmetric on the
    logit scale, so it stays within [0, 1]. Coverage in simulations of 10 to
    1000 examples a label at areas of 0.50 to 0.98: 0.93 to 0.99.

    Args:
        histogram: Counts of shape `[..., 2, bins]`; the second last axis is
            the label.

    Returns:
        value, low, high, each of shape `[...]`; NaN where a label is absent.

    Source:
        DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under
        two or more correlated receiver operating characteristic curves".
    """
    negatives = np.asarray(histogram[..., 0, :], dtype=np.float64)
    positives = np.asarray(histogram[..., 1, :], dtype=np.float64)
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    above = _reversed_sum(positives) - positives / 2
    n0, n1 = negatives.sum(axis=-1), positives.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (positives * below).sum(axis=-1) / (n0 * n1)
        of_positives = _variance(positives, below / n0[..., None], n1)
        of_negatives = _variance(negatives, above / n1[..., None], n0)
        variance = of_positives + of_negatives
        return value, *_logit_interval(value, variance, n0, n1)


def difference_of_areas(
    joint: Any, baseline: Any, candidate: Any
) -> tuple[Any, Any, Any]:
    """Paired difference of two areas under the ROC curve, and its interval.

    The areas are those of the fine histograms. The variance is DeLong's of
    the difference, from wide bins of both scores together, and that of one
    pseudo-example of the rarer label: without it two models alike would be
    alike for certain.

    Args:
        joint: Counts of shape `[..., 2, wide bins, wide bins]`: label,
            baseline's bin, candidate's bin.
        baseline: Counts of shape `[..., 2, bins]`: label, bin.
        candidate: Counts of the same shape.

    Returns:
        value, low, high, each of shape `[...]`; NaN where a label is absent.

    Source:
        DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under
        two or more correlated receiver operating characteristic curves".
    """
    before, after = (area_under_roc(x)[0] for x in (baseline, candidate))
    both = np.asarray(joint, dtype=np.float64)
    sizes = both.sum(axis=(-1, -2))
    others = sizes[..., ::-1]
    variance = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        for label in (0, 1):
            cells, other = both[..., label, :, :], both[..., 1 - label, :, :]
            of_baseline, of_candidate = (
                (np.cumsum(x, axis=-1) - x / 2) / others[..., label, None]
                for x in (other.sum(axis=-1), other.sum(axis=-2))
            )
            gains = of_candidate[..., None, :] - of_baseline[..., :, None]
            flat = (*cells.shape[:-2], -1)
            variance = variance + _variance(
                cells.reshape(flat), gains.reshape(flat), sizes[..., label]
            )
    rarer = np.minimum(sizes[..., 0], sizes[..., 1])
    return _difference(before, after, variance, rarer)


def difference_of_clustered_areas(
    buckets: Any, baseline: Any, candidate: Any, rarer: Any
) -> tuple[Any, Any, Any]:
    """As `difference_of_areas`, where examples hang together in clusters.

    The variance is that of the buckets' parts in the difference: examples of
    both labels in a bucket vary together, and so do both models' scores.

    Args:
        buckets: Counts of shape `[slices, buckets, 2, 2, wide bins]`: bucket
            of clusters, baseline or candidate, label, bin.
        baseline: Counts of shape `[slices, 2, bins]`: label, bin.
        candidate: Counts of the same shape.
        rarer: As how many independent examples those of the rarer label
            count, of shape `[slices]`.

    Source:
        Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data".
    """
    before, after = (area_under_roc(x)[0] for x in (baseline, candidate))
    cells = np.asarray(buckets, dtype=np.float64)
    whole = cells.sum(axis=1)
    others = whole[..., ::-1, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        # How much of the other label lies below; above, of negatives.
        below = np.cumsum(others, axis=-1) - others / 2
        places = below / others.sum(axis=-1, keepdims=True)
        places[:, :, 0] = 1 - places[:, :, 0]
        sums = (cells * places[:, None]).sum(axis=-1)
        gains = sums[:, :, 1] - sums[:, :, 0]
        counts = cells[:, :, 1].sum(axis=-1)
        sizes = counts.sum(axis=1, keepdims=True)
        mean = gains.sum(axis=1, keepdims=True) / sizes
        parts = ((gains - counts * mean) / sizes).sum(axis=-1)
        number = cells.shape[1]
        variance = number / (number - 1) * (parts**2).sum(axis=1)
    return _difference(before, after, variance, rarer)


def _difference(
    before: Any, after: Any, variance: Any, rarer: Any
) -> tuple[Any, Any, Any]:
    """Difference and interval, the variance plus that of a pseudo-example."""
    center = (before + after) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.maximum(center * (1 - center), 0.25 / (rarer + 1))
        half = Z * np.sqrt(variance + usual / (rarer + 1) ** 2)
    value = after - before
    return value, np.maximum(value - half, -1), np.minimum(value + half, 1)


def area_under_precision_recall(histogram: Any) -> tuple[Any, Any, Any]:
    """Average precision with a 95 % interval, from histograms.

    Within a bin examples are taken to come in random order. The variance is
    that of Poisson counts in the bins (the delta method), and of one
    pseudo-example; the interval is symmetric on the logit scale. Coverage in
    simulations of 10 to 1000 examples, at accuracy 0.5 to 0.98 and with 10
    and 50 % positives: 0.93 to 0.99.

    Args:
        histogram: Counts of shape `[..., 2, bins]`; the second last axis is
            the label.

    Returns:
        value, low, high, each of shape `[...]`; NaN where a label is absent.
    """
    negatives = np.asarray(histogram[..., 0, :], dtype=np.float64)
    positives = np.asarray(histogram[..., 1, :], dtype=np.float64)
    n0, n1 = negatives.sum(axis=-1), positives.sum(axis=-1)
    hits = _reversed_sum(positives) - positives + (positives + 1) / 2
    false = _reversed_sum(negatives) - negatives / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = hits / (hits + false)
        value = (positives * precision).sum(axis=-1) / n1
        # What one more positive, or negative, of a bin adds to the value.
        weights = positives / (hits + false) ** 2
        gained = _half_below(weights * false) + precision
        lost = _half_below(weights * hits)
        variance = (positives * (gained - value[..., None]) ** 2).sum(axis=-1)
        variance = (variance + (negatives * lost**2).sum(axis=-1)) / n1**2
        value = np.where(n0 > 0, value, np.nan)
        return value, *_logit_interval(value, variance, n0, n1)


def _half_below(values: Any) -> Any:
    return np.cumsum(values, axis=-1) - values / 2


def _reversed_sum(counts: Any) -> Any:
    return np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]


def _variance(counts: Any, values: Any, size: Any) -> Any:
    """Variance of the mean of binned values: `s**2 / size`."""
    mean = (counts * values).sum(axis=-1) / size
    squares = (counts * (values - mean[..., None]) ** 2).sum(axis=-1)
    return squares / (size * np.maximum(size - 1, 1))


def _logit_interval(
    value: Any, variance: Any, n0: Any, n1: Any
) -> tuple[Any, Any]:
    pairs = n0 * n1
    center = (value * pairs + 0.5) / (pairs + 1)  # never 0 or 1
    spread = center * (1 - center)
    total = variance + spread / (np.minimum(n0, n1) + 1) ** 2
    width = Z * np.sqrt(total) / spread
    logit = np.log(center / (1 - center))
    low, high = (1 / (1 + np.exp(-(logit + s * width))) for s in (-1, 1))
    return np.minimum(low, value), np.maximum(high, value)
