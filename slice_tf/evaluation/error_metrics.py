"""From moments of errors to metrics of predicted numbers."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.metric import Metric, ratio, to_metrics

# What is averaged over examples: one, the error, its size and its square, the
# target and its square; and, beside a baseline, by how much the size and the
# square of the error are larger than the baseline's.
ONE, ERROR, SIZE, SQUARE, TARGET, TARGET_SQUARE, SIZE_RISE, SQUARE_RISE = range(
    8
)
NUM_ALONE, NUM_PAIRED = SIZE_RISE, SQUARE_RISE + 1


@dataclasses.dataclass(frozen=True)
class Moments:
    """Means over each slice of `NUM_ALONE` or `NUM_PAIRED` quantities.

    Args:
        n: Examples, of shape `[slices + 1]`.
        means: Of shape `[quantities, slices + 1]`.
        products: Means of products of two quantities, of shape
            `[quantities, quantities, slices + 1]`.
    """

    n: Any
    means: Any
    products: Any

    @classmethod
    def of(cls, sums: Any) -> "Moments":
        """Returns means of sums of products, base slice last."""
        n = sums[ONE, ONE]
        return cls(n, ratio(sums[ONE], n), ratio(sums, n))

    @property
    def spread(self) -> Any:
        """Variance of the targets, of shape `[slices + 1]`."""
        squares = self.means[TARGET_SQUARE] - self.means[TARGET] ** 2
        return np.maximum(squares, 0)

    def variance(self, gradient: dict[int, Any]) -> Any:
        """Variance of one example's part in a function of the means.

        The delta method: the function's own variance is this over `n`.

        Args:
            gradient: Quantity to the function's derivative by its mean.
        """
        total = sum(
            gradient[i]
            * gradient[j]
            * (self.products[i, j] - self.means[i] * self.means[j])
            for i in gradient
            for j in gradient
        )
        return np.maximum(total, 0)


def error_metrics(moments: Moments, floor: int) -> dict[str, list[Metric]]:
    """Returns `mae`, `rmse`, `r2`, `bias` and `lift` of each slice.

    `lift` is the mean absolute error inside minus outside of the slice.
    Coverage in simulations of 30 to 1000 examples, with errors that are
    normal, Laplace's or of a size that varies tenfold: 0.93 to 0.98.
    """
    n, means, products = moments.n, moments.means, moments.products
    sizes = _mean_of(moments, SIZE)
    squares = _mean_of(moments, SQUARE)
    ends = intervals.normal_mean(means[ERROR] * n, means[SQUARE] * n, n)
    found: dict[str, tuple[Any, ...]] = {
        "mae": (means[SIZE], *sizes, n),
        "rmse": (*np.sqrt([means[SQUARE], *squares]), n),
        "r2": (*_explained(moments, *squares), n),
        "bias": (means[ERROR], *ends, n),
        "lift": _lift(n, means[SIZE], products[SIZE, SIZE]),
    }
    return {
        name: _metrics(value, low, high, size, floor)
        for name, (value, low, high, size) in found.items()
    }


def baseline_error(moments: Moments, floor: int) -> list[Metric]:
    """Returns the baseline's mean absolute error in each slice."""
    size = moments.means[SIZE] - moments.means[SIZE_RISE]
    square = moments.means[SQUARE] - moments.means[SQUARE_RISE]
    usual = size[-1], square[-1]
    ends = intervals.skewed_mean(size, square, moments.n, *usual)
    return _metrics(size, *ends, moments.n, floor)


def error_changes(
    moments: Moments, sides: Any, floor: int
) -> dict[str, list[Metric]]:
    """Returns paired differences of `mae`, `rmse` and `r2`.

    Args:
        moments: Of `NUM_PAIRED` quantities.
        sides: Of shape `[2, 2]`: falls or rises, of the error's size or
            square, those that contribute most to the sum over all examples.
        floor: Metrics with a smaller denominator are `too few`.
    """
    means, spread = moments.means, moments.spread
    size_rise, square_rise = means[SIZE_RISE], means[SQUARE_RISE]
    after = np.sqrt(means[SQUARE])
    before = np.sqrt(np.maximum(means[SQUARE] - square_rise, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_rmse = {
            SQUARE: 1 / (2 * after) - 1 / (2 * before),
            SQUARE_RISE: 1 / (2 * before),
        }
        explained = -square_rise / spread
        of_r2 = {
            SQUARE_RISE: -1 / spread,
            TARGET_SQUARE: -explained / spread,
            TARGET: 2 * means[TARGET] * explained / spread,
        }
        (fall, rise), root, part = sides.T[1], 1 / (after + before), 1 / spread
    found = {
        "mae": (size_rise, {SIZE_RISE: 1.0}, *sides.T[0]),
        "rmse": (after - before, of_rmse, fall * root, rise * root),
        "r2": (explained, of_r2, rise * part, fall * part),
    }
    changes = {}
    for name, (value, gradient, down, up) in found.items():
        square = moments.variance(gradient) + value**2
        ends = intervals.signed_mean(value, square, moments.n, down, up)
        changes[name] = _metrics(value, *ends, moments.n, floor)
    return changes


def _mean_of(moments: Moments, quantity: int) -> tuple[Any, Any]:
    mean, square = moments.means[quantity], moments.products[quantity, quantity]
    usual = mean[-1], square[-1]
    return intervals.skewed_mean(mean, square, moments.n, *usual)


def _explained(moments: Moments, least: Any, most: Any) -> tuple[Any, Any, Any]:
    """R squared: one minus mean square error over the targets' variance.

    The interval is on the log scale of their ratio, from those of both, taken
    as independent (MOVER, as in `_lift`).

    Args:
        moments: Of errors and targets.
        least: Lower end of the mean square error, of shape `[slices + 1]`.
        most: Upper end.
    """
    error, spread = moments.means[SQUARE], moments.spread
    share = np.where(spread > 0, ratio(error, spread), np.nan)
    gradient = {TARGET: -2 * moments.means[TARGET], TARGET_SQUARE: 1.0}
    square = moments.variance(gradient) + spread**2
    usual = spread[-1], square[-1]
    narrow, wide = intervals.skewed_mean(spread, square, moments.n, *usual)
    with np.errstate(invalid="ignore", divide="ignore"):
        down, up = (
            share * np.exp(sign * np.hypot(np.log(end / error), np.log(other)))
            for sign, end, other in (
                (-1, least, wide / spread),
                (1, most, narrow / spread),
            )
        )
    exact = error == 0
    return 1 - share, np.where(exact, 1, 1 - up), np.where(exact, 1, 1 - down)


def _lift(n: Any, mean: Any, square: Any) -> tuple[Any, ...]:
    """Mean inside minus outside, from the intervals of both (MOVER).

    Source:
        Zou and Donner 2008, "Construction of confidence limits about effect
        measures".
    """
    others = n[-1] - n
    sums = mean[-1] * n[-1] - mean * n, square[-1] * n[-1] - square * n
    outside, outside_square = (ratio(np.maximum(x, 0), others) for x in sums)
    (low, high), (least, most) = (
        intervals.skewed_mean(a, b, m, mean[-1], square[-1])
        for a, b, m in ((mean, square, n), (outside, outside_square, others))
    )
    value = mean - outside
    below = value - np.hypot(mean - low, most - outside)
    above = value + np.hypot(high - mean, outside - least)
    return value, below, above, np.minimum(n, others)


def _metrics(value: Any, low: Any, high: Any, n: Any, floor: int) -> Any:
    low, high = np.minimum(low, value), np.maximum(high, value)
    return to_metrics(value, low, high, n, floor)
