"""Metrics per slice of numbers that are predicted, not classes."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs, intervals
from slice_tf.evaluation.fingerprint import checksum_rows, fingerprint_of
from slice_tf.evaluation.members import chunks
from slice_tf.evaluation.metric import FLOOR, Metric, ratio, to_metrics
from slice_tf.evaluation.results import (
    DataFacts,
    ModelFacts,
    Results,
    SliceResult,
)
from slice_tf.schema import BASE, SliceSchema

# Powers of the error's size and of the target that are summed, as pairs.
_MOMENTS = (
    *((0, 0), (1, 0), (2, 0), (4, 0)),
    *((0, 1), (0, 2), (0, 3), (0, 4), (2, 1), (2, 2)),
)


class RegressionCounts:
    """Moments of errors and targets in each slice.

    Sums are float64, so parts and their order matter in the last digits only.

    Args:
        schema: The slices.
        center: A number near the targets' mean, which is taken off them
            before they are squared; R squared of targets such as 1e9 + noise
            needs it.

    Attributes:
        moments: float64 `[10, slices + 1]`: number; sums of the error's size,
            square and fourth power, of the target's first four powers, and of
            the squared error times the target and its square.
        errors: float64 `[slices + 1]`: sum of prediction minus target.
        unknown: int64 `[slices + 1]`: examples of unknown membership.
        checksum: Stands for targets and membership, whatever their order.
    """

    def __init__(self, schema: SliceSchema, center: float = 0.0) -> None:
        self.schema, self.center = schema, float(center)
        self.moments = np.zeros((len(_MOMENTS), schema.num_slices + 1))
        self.errors = np.zeros(schema.num_slices + 1)
        self.unknown = np.zeros(schema.num_slices + 1, np.int64)
        self.checksum = 0

    def add(
        self,
        targets: Any,
        predictions: Any,
        membership: Any,
        known: Any = None,
    ) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            targets: True numbers, of shape `[batch]`.
            predictions: Predicted numbers, of shape `[batch]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.

        Raises:
            ValueError: If a shape is wrong or a number not finite.
        """
        truth = inputs.check_finite("targets", targets, None)
        guesses = inputs.check_finite("predictions", predictions, len(truth))
        members, unknown = inputs.check_members(
            membership, known, len(truth), self.schema.num_slices
        )
        errors, centered = guesses - truth, truth - self.center
        columns = [np.abs(errors) ** e * centered**t for e, t in _MOMENTS]
        for chunk in chunks(members):
            rows = chunk.rows
            for total, column in zip(
                (*self.moments, self.errors), (*columns, errors), strict=True
            ):
                _add(total, column[rows], chunk.found)
            missing = None if unknown is None else unknown[rows]
            self.checksum += checksum_rows(truth[rows], chunk.packed, missing)
        self.checksum %= 2**64
        if unknown is not None:
            self.unknown[:-1] += unknown.sum(axis=0)

    def merge(self, other: "RegressionCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices or another center.
        """
        self.schema.check_same(other.schema, "these counts", "the others")
        if self.center != other.center:
            raise ValueError(
                "Only counts of the same center can be merged. Received: "
                f"center={self.center} and {other.center}"
            )
        self.moments += other.moments
        self.errors += other.errors
        self.unknown += other.unknown
        self.checksum = (self.checksum + other.checksum) % 2**64

    def metrics(self, floor: int = FLOOR) -> list[dict[str, Metric]]:
        """Returns `mae`, `rmse`, `bias` and `r2` of each slice, base last.

        `mae` and `bias` have normal intervals; `rmse` that of the mean square
        error, on the log scale; `r2` that of the delta method.
        """
        n = self.moments[0]
        absolute, square, fourth = ratio(self.moments[1:4], n)
        bias = ratio(self.errors, n)
        ends = intervals.skewed_mean(square, fourth, n, square[-1], fourth[-1])
        found = {
            "mae": (
                absolute,
                *intervals.normal_mean(absolute * n, square * n, n),
            ),
            "rmse": tuple(np.sqrt(part) for part in (square, *ends)),
            "bias": (bias, *intervals.normal_mean(bias * n, square * n, n)),
            "r2": self._explained(),
        }
        columns = [
            to_metrics(value, low, high, n, floor)
            for value, low, high in found.values()
        ]
        rows = zip(*columns, strict=True)
        return [dict(zip(found, row, strict=True)) for row in rows]

    def results(
        self,
        *,
        data_path: str = "",
        model: ModelFacts | None = None,
        floor: int = FLOOR,
    ) -> Results:
        """Returns metrics per slice; `num_classes` of the results is 0.

        Raises:
            ValueError: If nothing was counted.
        """
        sizes = self.moments[0].astype(np.int64).tolist()
        if not sizes[-1]:
            raise ValueError(
                "There must be at least one example to evaluate. "
                f"Received: num_examples=0, data_path={data_path!r}"
            )
        names = (*self.schema.names, BASE)
        metrics, unknown = self.metrics(floor), self.unknown.tolist()
        rows = zip(names, sizes, unknown, metrics, strict=True)
        fingerprint = fingerprint_of(self.checksum, sizes[-1])
        return Results(
            schema=self.schema,
            num_classes=0,
            floor=floor,
            data=DataFacts(data_path, fingerprint, sizes[-1]),
            model=model or ModelFacts(),
            baseline=None,
            slices=tuple(SliceResult(*row) for row in rows),
        )

    def _explained(self) -> tuple[Any, Any, Any]:
        """R squared: one minus error over spread, of shape `[slices + 1]`."""
        means = ratio(self.moments[1:], self.moments[0])
        _, error, fourth, first, second, third, power, cross, crossed = means
        spread = np.maximum(second - first**2, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(spread > 0, 1 - error / spread, np.nan)
            # Derivatives by the means of squared error, target, its square.
            by = np.stack(
                [-spread, -2 * error * first, error] / np.square(spread)
            )
            products = (
                (fourth, cross, crossed),
                (cross, second, third),
                (crossed, third, power),
            )
            center = (error, first, second)
            variance = sum(
                by[i] * by[j] * (products[i][j] - center[i] * center[j])
                for i in range(3)
                for j in range(3)
            )
            n = self.moments[0]
            half = intervals.Z * np.sqrt(np.maximum(variance, 0) / (n - 1))
        return value, value - half, np.minimum(value + half, 1)


def _add(total: Any, column: Any, parts: Any) -> None:
    total[-1] += column.sum()
    for rows, slices in parts:
        total[:-1] += np.bincount(slices, column[rows], len(total) - 1)
