"""The accumulator of learned indicators against membership."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.binary import rate
from slice_tf.evaluation.calibration import calibration_metrics
from slice_tf.evaluation.members import chunks
from slice_tf.evaluation.scores import (
    NUM_BINS,
    area_under_roc,
    bin_edges,
    bins_of_logits,
    group_bins,
)


class IndicatorCounts:
    """How well indicators tell members of their slice from the rest.

    Where membership is unknown, the example counts as neither.

    Args:
        num_slices: Number of slices, without the base slice.

    Attributes:
        cells: int64 `[slices, 2, bins]`: slice, membership, bin of the logit.
    """

    def __init__(self, num_slices: int) -> None:
        self.num_slices = num_slices
        self.cells = np.zeros((num_slices, 2, NUM_BINS), np.int64)

    def add(
        self, indicator_logits: Any, membership: Any, known: Any = None
    ) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            indicator_logits: Of shape `[batch, slices]`.
            membership: 0 or 1, of the same shape.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.

        Raises:
            ValueError: If a shape or a value is wrong.
        """
        logits = np.asarray(indicator_logits, dtype=np.float64)
        inputs.check_shape("indicator_logits", logits, (None, self.num_slices))
        if not np.isfinite(logits).all():
            raise ValueError(
                "`indicator_logits` must be finite. Received: "
                f"indicator_logits={logits[~np.isfinite(logits)][0]}"
            )
        members, unknown = inputs.check_members(
            membership, known, len(logits), self.num_slices
        )
        sides = 2 * np.arange(self.num_slices)
        for chunk in chunks(members):
            rows = chunk.rows
            codes = (sides + members[rows]) * NUM_BINS
            codes += bins_of_logits(logits[rows])
            if unknown is not None:
                codes = codes[~unknown[rows]]
            np.add.at(self.cells.reshape(-1), codes.reshape(-1), 1)

    def merge(self, other: "IndicatorCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices.
        """
        inputs.check_same_slices(self.num_slices, other.num_slices)
        self.cells += other.cells

    def area_under_curve(self) -> tuple[Any, Any, Any, Any]:
        """Returns value, low, high and number of members, `[slices]` each."""
        members = self.cells[:, 1].sum(axis=-1)
        return *area_under_roc(self.cells), members

    def quality(self) -> dict[str, tuple[Any, Any, Any, Any]]:
        """Returns value, low, high and denominator of each quality.

        `precision`, `recall` and `agreement` take an indicator of probability
        above 0.5 for a yes; `calibration_bias` and `calibration_error` are
        those of its probability.
        """
        halves = group_bins(self.cells, 2)
        hits, false = halves[:, 1, 1], halves[:, 0, 1]
        members, sizes = halves[:, 1].sum(axis=1), halves.sum(axis=(1, 2))
        edges = bin_edges(NUM_BINS)
        middles = (edges[1:] + edges[:-1]) / 2
        return {
            "precision": rate(hits, hits + false),
            "recall": rate(hits, members),
            "agreement": rate(hits + halves[:, 0, 0], sizes),
            **calibration_metrics(self.cells, middles),
        }
