"""Metrics per slice of numbers that are predicted, not classes."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.accumulate import NUM_BUCKETS
from slice_tf.evaluation.error_bins import NUM_ERROR_BINS, bins_of_errors
from slice_tf.evaluation.error_metrics import (
    NUM_ALONE,
    NUM_PAIRED,
    ONE,
    TARGET,
    TARGET_SQUARE,
    Moments,
    by_slice,
    error_metrics,
)
from slice_tf.evaluation.error_summary import summarize_errors
from slice_tf.evaluation.fingerprint import checksum_rows, fingerprint_of
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.members import Chunk, add_codes, chunks
from slice_tf.evaluation.metric import FLOOR, Metric
from slice_tf.evaluation.overlap import OverlapCounts
from slice_tf.evaluation.results import DataFacts, ModelFacts, Results
from slice_tf.evaluation.scores import bin_edges
from slice_tf.evaluation.summary import NUM_SCORE_BINS
from slice_tf.evaluation.units import UNIT
from slice_tf.schema import SliceSchema


class RegressionCounts:
    """All that metrics of predicted numbers need, in each slice.

    Batches may come in any order and parts be merged. Sums are float64, so
    that changes their last digits only.

    Args:
        schema: The slices.
        weighted: Whether examples have weights.
        clustered: Whether examples hang together in clusters.

    Attributes:
        center: The mean of the first batch's targets, which is taken off all
            before they are squared: R squared of targets such as 1e9 + noise
            needs it.
        paired: Whether a baseline's predictions come with every batch.
        sums: float64 `[quantities, quantities, slices + 1]`: of products of
            what `error_metrics` averages, times weights.
        sides: float64 `[2, 2, 2]`: by how much the candidate's errors are
            smaller or larger than the baseline's, the error's size or square,
            sum or sum of squares over all examples.
        errors: int64 `[slices + 1, bins]`: slice, bin of prediction minus
            target. Where examples have weights, in `UNIT` of weight.
        baseline_errors: The same of the baseline.
        weights: float64 `[2, slices + 1]`: number of examples, and sum of
            squared weights; None where not `weighted`.
        buckets: float64 `[quantities, buckets, slices + 1]`: sums in each
            bucket of clusters; None where not `clustered`.
        unknown: int64 `[slices + 1]`: examples of unknown membership.
        overlap: How many examples two slices share.
        indicators: Learned indicators; None until some are added.
        checksum: Stands for targets and membership, whatever their order.
    """

    def __init__(
        self,
        schema: SliceSchema,
        *,
        weighted: bool = False,
        clustered: bool = False,
    ) -> None:
        self.schema, self.center = schema, 0.0
        self.weighted, self.clustered = weighted, clustered
        num_rows = schema.num_slices + 1
        bins = num_rows, NUM_ERROR_BINS
        self.sides = np.zeros((2, 2, 2))
        self.errors = np.zeros(bins, np.int64)
        self.baseline_errors = np.zeros(bins, np.int64)
        self.weights = np.zeros((2, num_rows)) if weighted else None
        self.unknown = np.zeros(num_rows, np.int64)
        self.overlap = OverlapCounts(schema.num_slices)
        self.indicators: IndicatorCounts | None = None
        self.checksum = 0
        self._start(0.0, paired=False)

    @property
    def sizes(self) -> Any:
        """Examples per slice, of shape `[slices + 1]`."""
        return self.sums[0, 0] if self.weights is None else self.weights[0]

    @property
    def num_examples(self) -> int:
        """Number of examples counted."""
        return int(self.sizes[-1])

    def add(
        self,
        targets: Any,
        predictions: Any,
        membership: Any,
        known: Any = None,
        *,
        weights: Any = None,
        clusters: Any = None,
        baseline_predictions: Any = None,
        indicator_logits: Any = None,
    ) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            targets: True numbers, of shape `[batch]`.
            predictions: Predicted numbers, of shape `[batch]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.
            weights: Of examples, of shape `[batch]`; see `SliceCounts`.
            clusters: Ids, of shape `[batch]`; see `SliceCounts`.
            baseline_predictions: The baseline's, of shape `[batch]`. Either
                every batch has them or none.
            indicator_logits: The candidate's, of shape `[batch, slices]`, or
                None.

        Raises:
            ValueError: If a shape is wrong or a number not finite.
            TypeError: If clusters are neither integers nor texts.
        """
        truth = inputs.check_finite("targets", targets, None)
        guesses = inputs.check_finite("predictions", predictions, len(truth))
        members, unknown = inputs.check_members(
            membership, known, len(truth), self.schema.num_slices
        )
        units = inputs.check_weights(weights, len(truth), self.weighted)
        groups = inputs.check_clusters(clusters, len(truth), self.clustered)
        before = self._before(baseline_predictions, truth)
        if indicator_logits is not None:
            learned = IndicatorCounts(self.schema.num_slices)
            learned.add(indicator_logits, membership, known)
            if self.indicators is not None:
                learned.merge(self.indicators)
            self.indicators = learned
        if len(truth) and not self.num_examples:
            self._start(float(truth.mean()), paired=before is not None)
        columns = [truth, guesses - truth, before, unknown, units, groups]
        for chunk in chunks(members):
            self._count(
                chunk, *(x if x is None else x[chunk.rows] for x in columns)
            )

    def merge(self, other: "RegressionCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices, or only one of the
                two has weights, clusters or a baseline.
        """
        self.schema.check_same(other.schema, "these counts", "the others")
        if other.num_examples and not self.num_examples:
            self._start(other.center, paired=other.paired)
        facts = ["weighted", "clustered"]
        if other.num_examples:
            facts.append("paired")
        pairs = [(x, getattr(self, x), getattr(other, x)) for x in facts]
        received = [f"{x}={a} and {b}" for x, a, b in pairs if a != b]
        if received:
            raise ValueError(
                "Only counts of the same things can be merged: both with "
                "weights, clusters and a baseline or both without. Received: "
                f"{', '.join(received)}"
            )
        if not other.num_examples:
            return
        move = _moved(len(self.sums), other.center - self.center)
        self.sums += np.einsum("ij,jks,lk->ils", move, other.sums, move)
        if self.buckets is not None and other.buckets is not None:
            self.buckets += np.tensordot(move, other.buckets, 1)
        for name in ("sides", "errors", "baseline_errors", "weights"):
            if getattr(self, name) is not None:
                getattr(self, name)[...] += getattr(other, name)
        self.unknown += other.unknown
        self.overlap.merge(other.overlap)
        if other.indicators is not None:
            if self.indicators is None:
                self.indicators = IndicatorCounts(self.schema.num_slices)
            self.indicators.merge(other.indicators)
        self.checksum = (self.checksum + other.checksum) % 2**64

    @property
    def moments(self) -> Moments:
        """What metrics are made from."""
        squares = None if self.weights is None else self.weights[1]
        return Moments(self.sums, squares, self.buckets)

    def metrics(self, floor: int = FLOOR) -> list[dict[str, Metric]]:
        """Returns each slice's metrics by name, base last.

        `mae`, `rmse`, `r2`, `bias` (mean of prediction minus target) and
        `lift` (`mae` inside minus outside of the slice).
        """
        return by_slice(error_metrics(self.moments, floor))

    def results(
        self,
        *,
        data_path: str = "",
        label: str = "",
        model: ModelFacts | None = None,
        baseline: ModelFacts | None = None,
        floor: int = FLOOR,
    ) -> Results:
        """Returns metrics per slice; `num_classes` of the results is 0.

        Raises:
            ValueError: If nothing was counted.
        """
        if not self.num_examples:
            raise ValueError(
                "There must be at least one example to evaluate. "
                f"Received: num_examples=0, data_path={data_path!r}"
            )
        slices, edges = summarize_errors(self, floor)
        fingerprint = fingerprint_of(self.checksum, self.num_examples)
        return Results(
            schema=self.schema,
            num_classes=0,
            floor=floor,
            data=DataFacts(
                data_path,
                fingerprint,
                self.num_examples,
                label,
                self.weighted,
                self.clustered,
            ),
            model=model or ModelFacts(),
            baseline=(baseline or ModelFacts()) if self.paired else None,
            slices=slices,
            overlap=self.overlap.shared.tolist(),
            score_edges=bin_edges(NUM_SCORE_BINS).tolist(),
            error_edges=edges,
        )

    def _start(self, center: float, *, paired: bool) -> None:
        """Makes room for sums, when it is known what is counted."""
        self.center, self.paired = center, paired
        width = NUM_PAIRED if paired else NUM_ALONE
        rows = self.schema.num_slices + 1
        self.sums = np.zeros((width, width, rows))
        self.buckets = (
            np.zeros((width, NUM_BUCKETS, rows)) if self.clustered else None
        )

    def _before(self, predictions: Any, truth: Any) -> Any:
        """Returns the baseline's errors, or None where there is none."""
        given = predictions is not None
        if self.num_examples and given != self.paired:
            raise ValueError(
                "`baseline_predictions` must come with every batch or with "
                "none, because a comparison of parts of the data is no "
                "comparison. Received: baseline_predictions="
                f"{'an array' if given else 'None'} after "
                f"{self.num_examples} examples"
            )
        if not given:
            return None
        name = "baseline_predictions"
        return inputs.check_finite(name, predictions, len(truth)) - truth

    def _count(
        self,
        chunk: Chunk,
        truth: Any,
        errors: Any,
        before: Any,
        unknown: Any,
        units: Any,
        groups: Any,
    ) -> None:
        """Counts rows that were checked."""
        ones = np.ones(len(truth))
        weights, amounts = (ones, 1) if units is None else (units * UNIT, units)
        size, target = np.abs(errors), truth - self.center
        columns = [ones, errors, size, errors**2, target, target**2]
        add_codes(self.errors, bins_of_errors(errors), chunk.found, amounts)
        if before is not None:
            rises = [size - np.abs(before), errors**2 - before**2]
            columns += rises
            codes = bins_of_errors(before)
            add_codes(self.baseline_errors, codes, chunk.found, amounts)
            for side, sign in zip(self.sides, (-1, 1), strict=True):
                sizes = np.maximum(sign * np.stack(rises), 0)
                side += (np.stack([sizes, sizes**2]) @ weights).T
        for i, column in enumerate(columns):
            weighted = column * weights
            for j in range(i, len(columns)):
                _add(self.sums[i, j], weighted * columns[j], chunk.found)
                self.sums[j, i] = self.sums[i, j]
            if self.buckets is not None:
                _add(self.buckets[i], weighted, chunk.found, groups)
        if self.weights is not None:
            for total, column in zip(
                self.weights, (ones, weights**2), strict=True
            ):
                _add(total, column, chunk.found)
        self.overlap.count(chunk)
        if unknown is not None:
            self.unknown[:-1] += unknown.sum(axis=0)
        self.checksum += checksum_rows(truth, chunk.packed, unknown)
        self.checksum %= 2**64


def _add(total: Any, column: Any, parts: Any, groups: Any = None) -> None:
    """Sums a column over each slice, and over all in the base.

    Args:
        total: Of shape `[slices + 1]`, or `[buckets, slices + 1]` where there
            are `groups`; changed in place.
        column: Of shape `[batch]`.
        parts: Memberships, as `members.find` returns them.
        groups: Each row's bucket of clusters, or None.
    """
    flat, width = total.reshape(-1), total.shape[-1]
    if groups is None:
        total[-1] += column.sum()
    else:
        groups = groups * width
        flat += np.bincount(groups + width - 1, column, flat.size)
    for rows, slices in parts:
        places = slices if groups is None else groups.take(rows) + slices
        flat += np.bincount(places, column.take(rows), flat.size)


def _moved(width: int, step: float) -> Any:
    """Turns quantities of targets into those of targets less a step lower.

    Of `t + step` the square is `t**2 + 2 * step * t + step**2`.
    """
    move = np.eye(width)
    move[TARGET, ONE] = step
    move[TARGET_SQUARE, [ONE, TARGET]] = step**2, 2 * step
    return move
