"""From moments of errors to metrics of predicted numbers."""

import dataclasses
import functools
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.evidence import design_effect
from slice_tf.evaluation.metric import Metric, ratio, to_metrics

# What is averaged over examples: one, the error, its size and its square, the
# target and its square; and, beside a baseline, by how much the size and the
# square of the error are larger than the baseline's.
ONE, ERROR, SIZE, SQUARE, TARGET, TARGET_SQUARE, SIZE_RISE, SQUARE_RISE = range(
    8
)
NUM_ALONE, NUM_PAIRED = SIZE_RISE, SQUARE_RISE + 1

Gradient = dict[int, Any]


@dataclasses.dataclass(frozen=True)
class Moments:
    """What was counted of `NUM_ALONE` or `NUM_PAIRED` quantities.

    Args:
        sums: Of products of two quantities, times weights, of shape
            `[quantities, quantities, slices + 1]`; base slice last.
        squares: Sums of squared weights, of shape `[slices + 1]`; None
            without weights.
        buckets: Sums of quantities in each bucket of clusters, times weights,
            of shape `[quantities, buckets, slices + 1]`; None without
            clusters.
    """

    sums: Any
    squares: Any = None
    buckets: Any = None

    @functools.cached_property
    def n(self) -> Any:
        """Examples, or as how many of equal weight they count (Kish)."""
        total = self.sums[ONE, ONE]
        if self.squares is None:
            return total
        return np.nan_to_num(ratio(total**2, self.squares))

    @functools.cached_property
    def means(self) -> Any:
        """Of shape `[quantities, slices + 1]`."""
        return ratio(self.sums[ONE], self.sums[ONE, ONE])

    @functools.cached_property
    def products(self) -> Any:
        """Means of products, of the shape of `sums`."""
        return ratio(self.sums, self.sums[ONE, ONE])

    @property
    def spread(self) -> Any:
        """Variance of the targets, of shape `[slices + 1]`."""
        squares = self.means[TARGET_SQUARE] - self.means[TARGET] ** 2
        return np.maximum(squares, 0)

    def outside(self) -> "Moments":
        """Returns what was counted outside of each slice."""
        parts = (self.sums, self.squares, self.buckets)
        return Moments(*(x if x is None else x[..., -1:] - x for x in parts))

    def variance(self, gradient: Gradient) -> Any:
        """Variance of one example's part in a function of the means.

        The delta method: of independent examples, the function's own
        variance is this over `n`.

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

    def size(self, gradient: Gradient) -> Any:
        """As how many independent examples say as much of a function.

        Clusters are judged by how the parts of their buckets in the function
        vary.

        Args:
            gradient: Quantity to the function's derivative by its mean.
        """
        if self.buckets is None:
            return self.n
        parts = sum(
            slope * (self.buckets[i] - self.means[i] * self.buckets[ONE])
            for i, slope in gradient.items()
        )
        effect = design_effect(
            np.sum(parts**2, axis=0),
            self.sums[ONE, ONE],
            ratio(self.variance(gradient), self.n),
        )
        return self.n / effect


def error_metrics(moments: Moments, floor: int) -> dict[str, list[Metric]]:
    """Returns `mae`, `rmse`, `r2`, `bias` and `lift` of each slice.

    `lift` is the mean absolute error inside minus outside of the slice.
    Coverage in simulations of 30 to 1000 examples, with errors that are
    normal, Laplace's or of a size that varies tenfold: 0.93 to 0.98.
    """
    means = moments.means
    sizes, n = _mean_of(moments, SIZE)
    squares, n_squares = _mean_of(moments, SQUARE)
    signed = moments.size({ERROR: 1.0})
    ends = intervals.normal_mean(
        means[ERROR] * signed, means[SQUARE] * signed, signed
    )
    found: dict[str, tuple[Any, ...]] = {
        "mae": (means[SIZE], *sizes, n),
        "rmse": (*np.sqrt([means[SQUARE], *squares]), n_squares),
        "r2": (*_explained(moments, *squares), n_squares),
        "bias": (means[ERROR], *ends, signed),
        "lift": _lift(moments),
    }
    return {
        name: _metrics(value, low, high, size, floor)
        for name, (value, low, high, size) in found.items()
    }


def by_slice(columns: dict[str, list[Metric]]) -> list[dict[str, Metric]]:
    """Returns metrics by name of each slice, from metrics by slice."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def baseline_error(moments: Moments, floor: int) -> list[Metric]:
    """Returns the baseline's mean absolute error in each slice."""
    size = moments.means[SIZE] - moments.means[SIZE_RISE]
    square = moments.means[SQUARE] - moments.means[SQUARE_RISE]
    n = moments.size({SIZE: 1.0, SIZE_RISE: -1.0})
    ends = intervals.skewed_mean(size, square, n, size[-1], square[-1])
    return _metrics(size, *ends, n, floor)


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
        n = moments.size(gradient)
        ends = intervals.signed_mean(value, square, n, down, up)
        changes[name] = _metrics(value, *ends, n, floor)
    return changes


def _mean_of(
    moments: Moments, quantity: int, usual: Moments | None = None
) -> tuple[tuple[Any, Any], Any]:
    """Ends of the interval of a mean of sizes, and its examples.

    Args:
        moments: Of each slice.
        quantity: What is averaged.
        usual: Where to look for large ones that slices do not show, in the
            last place; by default `moments`.
    """
    usual = usual or moments
    n = moments.size({quantity: 1.0})
    ends = intervals.skewed_mean(
        moments.means[quantity],
        moments.products[quantity, quantity],
        n,
        usual.means[quantity, -1],
        usual.products[quantity, quantity, -1],
    )
    return ends, n


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
    n = moments.size(gradient)
    narrow, wide = intervals.skewed_mean(
        spread, square, n, spread[-1], square[-1]
    )
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


def _lift(moments: Moments) -> tuple[Any, ...]:
    """Mean inside minus outside, from the intervals of both (MOVER).

    Source:
        Zou and Donner 2008, "Construction of confidence limits about effect
        measures".
    """
    others = moments.outside()
    inside, outside = moments.means[SIZE], others.means[SIZE]
    (low, high), n = _mean_of(moments, SIZE)
    (least, most), m = _mean_of(others, SIZE, moments)
    value = inside - outside
    below = value - np.hypot(inside - low, most - outside)
    above = value + np.hypot(high - inside, outside - least)
    return value, below, above, np.minimum(n, m)


def _metrics(value: Any, low: Any, high: Any, n: Any, floor: int) -> Any:
    low, high = np.minimum(low, value), np.maximum(high, value)
    return to_metrics(value, low, high, n, floor)
