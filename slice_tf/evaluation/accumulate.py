"""The accumulator of predictions per slice."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.fingerprint import checksum_rows
from slice_tf.evaluation.members import Chunk, add_codes, add_sums, chunks
from slice_tf.evaluation.scores import (
    NUM_BINS,
    SMALLEST_PROBABILITY,
    bins_of_probabilities,
)
from slice_tf.evaluation.units import UNIT, to_units

# Examples of a cluster share a bucket; the spread between buckets says how
# much less than its size a slice knows.
NUM_BUCKETS = 64

# Rows of `SliceCounts.sums` and of `SliceCounts.squares`.
LOG_LOSS, BRIER = range(2)

# What merges by addition, where it is counted.
_PARTS = (
    *("scores", "tables", "score_sums", "sums", "squares"),
    *("weights", "buckets"),
)


class SliceCounts:
    """All that metrics per slice need, of a size independent of the data.

    One pass fills it; parts counted anywhere merge into the same whole, in
    any order, to the last bit. An example counts in every slice it is a
    member of and in the base slice, which is the last row. Where membership
    is unknown, the example is no member.

    An example's score is the probability of class 1 where there are two
    classes, and of the predicted class where there are more; its event is
    that the label is 1, or that the prediction is right.

    Args:
        num_slices: Number of slices, without the base slice.
        num_classes: Number of classes, at least 2.
        weighted: Whether examples have weights. All cells and sums
            are then in `UNIT` of weight.
        clustered: Whether examples hang together in clusters.

    Attributes:
        scores: int64 `[slices + 1, 2, bins]`: slice, event, bin of the score.
        tables: int64 `[slices + 1, classes, classes]`: slice, label,
            predicted class; None for two classes, where scores say it.
        score_sums: int64 `[2, bins]`: number of examples in each bin, and
            the sum of their scores, over all examples.
        sums: int64 `[2, slices + 1]`: log loss (nats) and Brier score, in
            `UNIT`.
        squares: int64 `[2, slices + 1]`: their squares; None for two
            classes, where scores say them well enough for an interval.
        weights: int64 `[2, slices + 1]`: number of examples, and sum of
            squared weights in `UNIT`; None where not `weighted`.
        buckets: int64 `[slices + 1, buckets, 2]`: slice, bucket of the
            cluster, prediction wrong or right; None where not `clustered`.
        unknown: int64 `[slices + 1]`: examples of unknown membership.
        checksum: Stands for labels and membership, whatever their order.

    Raises:
        ValueError: If a number is too small.
    """

    def __init__(
        self,
        num_slices: int,
        num_classes: int,
        *,
        weighted: bool = False,
        clustered: bool = False,
    ) -> None:
        if num_slices < 0 or num_classes < 2:
            raise ValueError(
                "There must be at least 0 slices and 2 classes. Received: "
                f"num_slices={num_slices}, num_classes={num_classes}"
            )
        self.num_slices, self.num_classes = num_slices, num_classes
        self.weighted, self.clustered = weighted, clustered
        rows = num_slices + 1
        table = (rows, num_classes, num_classes)
        self.scores = np.zeros((rows, 2, NUM_BINS), np.int64)
        self.tables = None if num_classes == 2 else np.zeros(table, np.int64)
        self.score_sums = np.zeros((2, NUM_BINS), np.int64)
        self.sums = np.zeros((2, rows), np.int64)
        self.squares = (
            None if num_classes == 2 else np.zeros((2, rows), np.int64)
        )
        self.weights = np.zeros((2, rows), np.int64) if weighted else None
        self.buckets = (
            np.zeros((rows, NUM_BUCKETS, 2), np.int64) if clustered else None
        )
        self.unknown = np.zeros(rows, np.int64)
        self.checksum = 0

    def add(
        self,
        labels: Any,
        probabilities: Any,
        membership: Any,
        known: Any = None,
        *,
        weights: Any = None,
        clusters: Any = None,
    ) -> None:
        """Counts predictions; on an error nothing is counted.

        Args:
            labels: Class ids, of shape `[batch]`.
            probabilities: Of shape `[batch, classes]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.
            weights: Not negative, of shape `[batch]`; only and always where
                the counts are `weighted`.
            clusters: Ids such as names of users, integers, texts or bytes, of
                shape `[batch]`; only and always where the counts are
                `clustered`.

        Raises:
            ValueError: If a shape or a value is wrong.
            TypeError: If labels are no integers, or clusters no ids.
        """
        batch = inputs.check_predictions(
            labels,
            probabilities,
            membership,
            known,
            self.num_slices,
            self.num_classes,
        )
        amounts = inputs.check_weights(weights, len(batch), self.weighted)
        groups = inputs.check_clusters(clusters, len(batch), self.clustered)
        for chunk in chunks(batch.members):
            self.count(batch, chunk, amounts, groups)

    def count(
        self,
        batch: inputs.Predictions,
        chunk: Chunk,
        weights: Any = None,
        clusters: Any = None,
    ) -> None:
        """Counts some rows of a batch that was checked.

        Args:
            batch: As `inputs.check_predictions` returns it.
            chunk: Its rows.
            weights: As `inputs.check_weights` returns them.
            clusters: As `inputs.check_clusters` returns them.
        """
        rows = chunk.rows
        labels = batch.labels[rows]
        unknown = None if batch.unknown is None else batch.unknown[rows]
        self._count(
            labels,
            batch.probabilities[rows],
            chunk.found,
            None if weights is None else weights[rows],
            None if clusters is None else clusters[rows],
        )
        self.checksum += checksum_rows(labels, chunk.packed, unknown)
        self.checksum %= 2**64
        if unknown is not None:
            self.unknown[:-1] += unknown.sum(axis=0)

    def merge(self, other: "SliceCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices, classes or things.
        """
        names = ("num_slices", "num_classes", "weighted", "clustered")
        ours, theirs = (
            [getattr(counts, name) for name in names]
            for counts in (self, other)
        )
        if ours != theirs:
            pairs = zip(names, ours, theirs, strict=True)
            received = (f"{name}={a} and {b}" for name, a, b in pairs if a != b)
            raise ValueError(
                "Only counts of the same slices and classes can be merged, "
                "both with weights or clusters or both without. Received: "
                f"{', '.join(received)}"
            )
        for name in _PARTS:
            if getattr(self, name) is not None:
                getattr(self, name)[...] += getattr(other, name)
        self.unknown += other.unknown
        self.checksum = (self.checksum + other.checksum) % 2**64

    @property
    def sizes(self) -> Any:
        """Examples per slice, int64 of shape `[slices + 1]`."""
        if self.weights is not None:
            return self.weights[0]
        return self.scores.sum(axis=(1, 2))

    @property
    def num_examples(self) -> int:
        """Number of examples counted."""
        if self.weights is not None:
            return int(self.weights[0, -1])
        return int(self.scores[-1].sum())

    @property
    def confusion(self) -> Any:
        """Label by predicted class, int64 `[slices + 1, classes, classes]`."""
        if self.tables is not None:
            return self.tables
        shape = (self.num_slices + 1, 2, 2, NUM_BINS // 2)
        return self.scores.reshape(shape).sum(axis=-1)

    def _count(
        self,
        labels: Any,
        probabilities: Any,
        parts: Any,
        weights: Any,
        groups: Any,
    ) -> None:
        guesses = inputs.predicted(probabilities)
        right = guesses == labels
        amounts = 1 if weights is None else weights
        if self.tables is None:
            event, score = labels, probabilities[:, 1]
            bins = bins_of_probabilities(score)
            # Ties and rounding: the upper half is what is predicted as 1.
            half = NUM_BINS // 2
            astray = np.flatnonzero((bins >= half) != guesses)
            bins[astray] = half - 1 + guesses[astray]
        else:
            event, score = right.astype(np.int64), probabilities.max(axis=1)
            bins = bins_of_probabilities(score)
            codes = labels * self.num_classes + guesses
            add_codes(self.tables, codes, parts, amounts)
        add_codes(self.scores, event * NUM_BINS + bins, parts, amounts)
        if self.buckets is not None:
            add_codes(self.buckets, groups * 2 + right, parts, amounts)
        for row, column in enumerate((None, to_units(score))):
            found = np.bincount(bins, column, NUM_BINS)
            self.score_sums[row] += found.astype(np.int64)
        losses = losses_of(labels, probabilities)
        add_sums(self.sums, to_units(losses, weights), parts)
        if self.squares is not None:
            add_sums(self.squares, to_units(losses**2, weights), parts)
        if self.weights is not None:
            squares = to_units((weights * UNIT) ** 2)
            columns = np.stack([np.ones_like(squares), squares])
            add_sums(self.weights, columns, parts)


def losses_of(labels: Any, probabilities: Any) -> Any:
    """Returns log loss (nats) and Brier score, float64 `[2, batch]`.

    Args:
        labels: Class ids, of shape `[batch]`.
        probabilities: Of shape `[batch, classes]`.
    """
    # Not `take_along_axis`, which takes three times as long.
    places = np.arange(len(labels)) * probabilities.shape[1] + labels
    likely = probabilities.reshape(-1).take(places)
    loss = -np.log(np.clip(likely, SMALLEST_PROBABILITY, 1.0))
    if probabilities.shape[1] == 2:
        brier = (1 - likely) ** 2
    else:
        squares = np.einsum("ij,ij->i", probabilities, probabilities)
        brier = np.maximum(squares - 2 * likely + 1, 0)
    return np.stack([loss, brier])
