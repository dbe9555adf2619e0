"""What slicing functions said, counted."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.slicing.apply import Votes

Counts1 = npt.NDArray[np.int64]


@dataclasses.dataclass(eq=False)
class VoteCounts:
    """Counts of votes that add up over chunks and shards.

    Args:
        num_examples: Number of examples.
        num_in_any: Number of examples in at least one slice.
        overlap: Number of examples in both slices, of shape
            `[slices, slices]`; the sizes of slices are its diagonal.
        unknown: Number of examples where a function failed, of shape
            `[slices]`.
    """

    num_examples: int
    num_in_any: int
    overlap: Counts1
    unknown: Counts1

    @classmethod
    def zeros(cls, num_slices: int) -> "VoteCounts":
        """Returns the counts of no example."""
        overlap = np.zeros((num_slices, num_slices), np.int64)
        return cls(0, 0, overlap, np.zeros(num_slices, np.int64))

    @property
    def sizes(self) -> Counts1:
        """Number of examples in each slice, of shape `[slices]`."""
        return self.overlap.diagonal()

    def add(self, votes: Votes) -> None:
        """Counts the votes on a chunk of examples.

        Args:
            votes: Of fewer than 16 million examples, up to which float32
                counts exactly.
        """
        # Floats, because NumPy multiplies no integer matrix with BLAS.
        membership = votes.membership.astype(np.float32)
        self.num_examples += len(membership)
        self.num_in_any += int(votes.membership.any(axis=1).sum())
        self.overlap += (membership.T @ membership).astype(np.int64)
        self.unknown += votes.unknown.sum(axis=0, dtype=np.int64)

    def merge(self, other: "VoteCounts") -> None:
        """Adds the counts of other examples."""
        self.num_examples += other.num_examples
        self.num_in_any += other.num_in_any
        self.overlap += other.overlap
        self.unknown += other.unknown

    def to_dict(self) -> dict[str, Any]:
        """Returns the counts as plain JSON values."""
        return {
            "num_examples": self.num_examples,
            "num_in_any": self.num_in_any,
            "overlap": self.overlap.tolist(),
            "unknown": self.unknown.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "VoteCounts":
        """Returns the counts that `to_dict` wrote."""
        return cls(
            values["num_examples"],
            values["num_in_any"],
            np.array(values["overlap"], np.int64),
            np.array(values["unknown"], np.int64),
        )
