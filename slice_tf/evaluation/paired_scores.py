"""The accumulator of two models' scores and losses on the same examples."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.accumulate import NUM_BUCKETS, losses_of
from slice_tf.evaluation.members import Chunk, add_codes, add_sums
from slice_tf.evaluation.scores import NUM_BINS, bins_of_probabilities
from slice_tf.evaluation.units import to_units

# Both models' scores together are kept in bins this many times wider: enough
# for how they vary together, and no larger than a histogram of one.
NUM_JOINT_BINS = 32

# Rows of `PairedScores.buckets`; the first two are those of `sums`.
LOG_LOSS, BRIER, VERDICT = range(3)


class PairedScores:
    """How two models' losses and scores differ, per slice.

    Differences are the candidate's minus the baseline's. Parts merge to the
    same whole in any order, to the last bit.

    Args:
        num_slices: Number of slices, without the base slice.
        num_classes: Number of classes.
        clustered: Whether examples hang together in clusters.

    Attributes:
        sums: int64 `[2, slices + 1]`: differences of log loss (nats) and of
            Brier score, in `UNIT`.
        squares: int64 `[2, slices + 1]`: of their squares.
        sides: int64 `[2, 2, 2]`: falls or rises, loss, sum or sum of squares
            of their sizes over all examples, in `UNIT`.
        baseline: int64 `[slices + 1, 2, bins]`: slice, label, bin of the
            baseline's score; None for more than two classes.
        joint: int64 `[slices + 1, 2, 32, 32]`: slice, label, wide bin of the
            baseline's score, of the candidate's; None likewise.
        buckets: int64 `[3, slices + 1, buckets]`: differences of log loss, of
            Brier score and of verdicts (1 won, -1 lost) in each bucket of
            clusters, in `UNIT`; None where not `clustered`.
        areas: int64 `[slices + 1, buckets, 2, 2, 32]`: bucket of clusters,
            baseline or candidate, label, wide bin of the score; None where
            not `clustered`, and for more than two classes.
    """

    def __init__(
        self, num_slices: int, num_classes: int, *, clustered: bool = False
    ) -> None:
        rows, two = num_slices + 1, num_classes == 2
        self.num_slices, self.num_classes = num_slices, num_classes
        self.clustered = clustered
        self.sums = np.zeros((2, rows), np.int64)
        self.squares = np.zeros((2, rows), np.int64)
        self.sides = np.zeros((2, 2, 2), np.int64)
        wide = (rows, 2, NUM_JOINT_BINS, NUM_JOINT_BINS)
        self.baseline = np.zeros((rows, 2, NUM_BINS), np.int64) if two else None
        self.joint = np.zeros(wide, np.int64) if two else None
        self.buckets = (
            np.zeros((3, rows, NUM_BUCKETS), np.int64) if clustered else None
        )
        areas = rows, NUM_BUCKETS, 2, 2, NUM_JOINT_BINS
        both = clustered and two
        self.areas = np.zeros(areas, np.int64) if both else None

    def count(
        self,
        labels: Any,
        before: Any,
        after: Any,
        chunk: Chunk,
        weights: Any = None,
        clusters: Any = None,
    ) -> None:
        """Counts rows that were checked.

        Args:
            labels: Class ids, of shape `[rows]`.
            before: The baseline's probabilities, of shape `[rows, classes]`.
            after: The candidate's, of the same shape.
            chunk: The rows' membership.
            weights: As `inputs.check_weights` returns them.
            clusters: As `inputs.check_clusters` returns them.
        """
        parts = chunk.found
        changes = losses_of(labels, after) - losses_of(labels, before)
        add_sums(self.sums, to_units(changes, weights), parts)
        add_sums(self.squares, to_units(changes**2, weights), parts)
        for side, sign in zip(self.sides, (-1, 1), strict=True):
            sizes = np.maximum(sign * changes, 0)
            for power in (1, 2):
                column = to_units(sizes**power, weights)
                side[:, power - 1] += column.sum(axis=-1)
        if self.baseline is not None and self.joint is not None:
            old, new = (bins_of_probabilities(x[:, 1]) for x in (before, after))
            amounts = 1 if weights is None else weights
            add_codes(self.baseline, labels * NUM_BINS + old, parts, amounts)
            wide = NUM_BINS // NUM_JOINT_BINS
            codes = (labels * NUM_JOINT_BINS + old // wide) * NUM_JOINT_BINS
            add_codes(self.joint, codes + new // wide, parts, amounts)
            if self.areas is not None:
                for model, bins in enumerate((old, new)):
                    codes = (2 * clusters + model) * 2 + labels
                    codes = codes * NUM_JOINT_BINS + bins // wide
                    add_codes(self.areas, codes, parts, amounts)
        if self.buckets is not None:
            was, now = (inputs.predicted(x) == labels for x in (before, after))
            verdicts = now.astype(np.float64) - was
            columns = to_units(np.stack([*changes, verdicts]), weights)
            for cells, column in zip(self.buckets, columns, strict=True):
                add_codes(cells, clusters, parts, column)

    def merge(self, other: "PairedScores") -> None:
        """Adds what another accumulator counted, of the same things.

        Raises:
            ValueError: If the other counts other slices.
        """
        inputs.check_same_slices(self.num_slices, other.num_slices)
        for name in (
            *("sums", "squares", "sides"),
            *("baseline", "joint", "buckets", "areas"),
        ):
            if getattr(self, name) is not None:
                getattr(self, name)[...] += getattr(other, name)
