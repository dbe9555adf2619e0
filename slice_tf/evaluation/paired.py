"""The accumulator of two models' verdicts on the same examples."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.members import Chunk, add_codes, chunks


class PairedCounts:
    """Who was right where, per slice: baseline against candidate.

    Args:
        num_slices: Number of slices, without the base slice.

    Attributes:
        label_cells: int64 `[slices + 1, 2, 2, 2]`: slice (base last), label
            (all labels but 0 count as 1), baseline correct, candidate
            correct. Where examples have weights, in `UNIT` of weight.
    """

    def __init__(self, num_slices: int) -> None:
        self.num_slices = num_slices
        self.label_cells = np.zeros((num_slices + 1, 2, 2, 2), np.int64)

    @property
    def cells(self) -> Any:
        """Without the label, int64 `[slices + 1, 2, 2]`."""
        return self.label_cells.sum(axis=1)

    def add(
        self,
        baseline_correct: Any,
        candidate_correct: Any,
        membership: Any,
        known: Any = None,
        labels: Any = None,
    ) -> None:
        """Counts pairs of verdicts; on an error nothing is counted.

        Args:
            baseline_correct: 0 or 1, of shape `[batch]`.
            candidate_correct: 0 or 1, of shape `[batch]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.
            labels: Class ids, of shape `[batch]`; None counts all as 0.

        Raises:
            ValueError: If a shape or a value is wrong.
        """
        before = inputs.check_verdicts("baseline_correct", baseline_correct)
        after = inputs.check_verdicts("candidate_correct", candidate_correct)
        inputs.check_shape("candidate_correct", after, before.shape)
        members, _ = inputs.check_members(
            membership, known, len(before), self.num_slices
        )
        truth = np.zeros(len(before)) if labels is None else np.asarray(labels)
        for chunk in chunks(members):
            rows = chunk.rows
            self.count(before[rows], after[rows], truth[rows], chunk)

    def count(
        self,
        before: Any,
        after: Any,
        labels: Any,
        chunk: Chunk,
        weights: Any = None,
    ) -> None:
        """Counts rows that were checked; see `add`.

        Args:
            before: Whether the baseline is right, bool of shape `[rows]`.
            after: Whether the candidate is, of the same shape.
            labels: Class ids, of the same shape.
            chunk: The rows' membership.
            weights: As `inputs.check_weights` returns them.
        """
        codes = 4 * (labels != 0) + 2 * before.astype(np.int64) + after
        amounts = 1 if weights is None else weights
        add_codes(self.label_cells, codes, chunk.found, amounts)

    def merge(self, other: "PairedCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices.
        """
        inputs.check_same_slices(self.num_slices, other.num_slices)
        self.label_cells += other.label_cells
