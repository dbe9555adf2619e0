"""The accumulator of how many examples two slices share."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.members import Chunk, chunks, pack_columns


class OverlapCounts:
    """Examples that two slices share, for all pairs.

    Args:
        num_slices: Number of slices, without the base slice.

    Attributes:
        cells: int64 `[slices, slices]`, the upper triangle: the diagonal
            holds sizes.
    """

    def __init__(self, num_slices: int) -> None:
        self.num_slices = num_slices
        self.cells = np.zeros((num_slices, num_slices), np.int64)

    def add(self, membership: Any, known: Any = None) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.

        Raises:
            ValueError: If a shape or a value is wrong.
        """
        members, _ = inputs.check_members(
            membership, known, len(membership), self.num_slices
        )
        for chunk in chunks(members):
            self.count(chunk)

    def count(self, chunk: Chunk) -> None:
        """Counts rows that were checked."""
        # Not a matrix product: on a busy machine its threads wait for each
        # other, and bits are as fast.
        bits = pack_columns(chunk.members)
        for i, ours in enumerate(bits):
            self.cells[i, i:] += _ones(ours & bits[i:])

    @property
    def shared(self) -> Any:
        """Examples that two slices share, int64 `[slices, slices]`."""
        upper = np.triu(self.cells, 1)
        return upper + upper.T + np.diag(np.diag(self.cells))

    def merge(self, other: "OverlapCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices.
        """
        inputs.check_same_slices(self.num_slices, other.num_slices)
        self.cells += other.cells


def _ones(words: Any) -> Any:
    """Returns the number of ones in each row of 64-bit words."""
    if hasattr(np, "bitwise_count"):  # since NumPy 2
        # A chunk's rows fit 16 bits.
        return np.bitwise_count(words).sum(axis=1, dtype=np.uint16)
    return np.unpackbits(words.view(np.uint8), axis=1).sum(axis=1)
