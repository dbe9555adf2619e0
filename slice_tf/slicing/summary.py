"""What is told about the slices of a data set."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from slice_tf.slicing.audit import Audit
from slice_tf.slicing.counts import VoteCounts
from slice_tf.slicing.label_counts import LabelCounts

FORMAT_VERSION = 1

# Share of the union of two slices above which they are nearly one slice.
ALIKE = 0.9

S = TypeVar("S", bound="Summary")


@dataclasses.dataclass(frozen=True)
class SliceSummary:
    """One slice of a summary.

    Args:
        name: Name of the slice.
        size: Number of examples in it.
        coverage: Share of all examples that are in it, from 0 to 1.
        unknown: Number of examples where the slicing function failed.
    """

    name: str
    size: int
    coverage: float
    unknown: int


@dataclasses.dataclass(frozen=True)
class Summary:
    """What is told about the slices of a data set.

    Args:
        num_examples: Number of examples.
        slices: One a slice, in schema order.
        overlap: Number of examples in both slices, of shape
            `[slices, slices]`.
        num_in_any: Number of examples in at least one slice.
        labels: How labels fall into slices, where they are known.
        audit: How slices agree with people, where they were asked.
    """

    num_examples: int
    slices: tuple[SliceSummary, ...]
    overlap: tuple[tuple[int, ...], ...]
    num_in_any: int
    labels: LabelCounts | None = None
    audit: Audit | None = None

    @classmethod
    def of(
        cls: type[S], names: tuple[str, ...], counts: VoteCounts, **facts: Any
    ) -> S:
        """Returns the summary of counted votes.

        Args:
            names: Of the slices, in schema order.
            counts: The votes.
            **facts: Further arguments of the summary.
        """
        everyone = max(1, counts.num_examples)
        rows = zip(names, counts.sizes, counts.unknown, strict=True)
        return cls(
            num_examples=counts.num_examples,
            slices=tuple(
                SliceSummary(name, int(size), int(size) / everyone, int(failed))
                for name, size, failed in rows
            ),
            overlap=tuple(tuple(row) for row in counts.overlap.tolist()),
            num_in_any=counts.num_in_any,
            **facts,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary as plain JSON values."""
        values = {
            "format_version": FORMAT_VERSION,
            "num_examples": self.num_examples,
            "slices": [dataclasses.asdict(one) for one in self.slices],
            "overlap": [list(row) for row in self.overlap],
            "any": self.num_in_any,
            "none": self.num_examples - self.num_in_any,
            "errors": {
                one.name: one.unknown for one in self.slices if one.unknown
            },
        }
        if self.labels is not None:
            values["labels"] = self.labels.to_dict()
        if self.audit is not None:
            values["audit"] = self.audit.to_dict()
        return values

    @property
    def jaccard(self) -> npt.NDArray[np.float64]:
        """Share of two slices' union that is in both, `[slices, slices]`."""
        overlap = np.array(self.overlap, np.float64).reshape(2 * [self._size])
        sizes = overlap.diagonal()
        union = sizes[:, None] + sizes[None, :] - overlap
        return np.where(union > 0, overlap / np.maximum(union, 1), 0.0)

    @property
    def containment(self) -> npt.NDArray[np.float64]:
        """Share of slice i that is in slice j too, `[slices, slices]`."""
        overlap = np.array(self.overlap, np.float64).reshape(2 * [self._size])
        return overlap / np.maximum(overlap.diagonal(), 1)[:, None]

    def duplicates(self) -> list[tuple[str, str]]:
        """Returns pairs of slices that hold the same examples, some at all."""
        return [(i, j) for i, j, share in self._pairs() if share == 1.0]

    def nested(self, share: float = 1.0) -> list[tuple[str, str]]:
        """Returns pairs of a slice and a larger one that holds it.

        Args:
            share: Of the smaller slice that must be in the larger one.
        """
        names = [one.name for one in self.slices]
        sizes = np.array([one.size for one in self.slices])
        smaller = (sizes[:, None] < sizes[None, :]) & (sizes[:, None] > 0)
        inner, outer = np.nonzero(smaller & (self.containment >= share))
        pairs = zip(inner.tolist(), outer.tolist(), strict=True)
        return [(names[i], names[j]) for i, j in pairs]

    def largest_overlap(self) -> tuple[str, str, float] | None:
        """Returns the two slices that are most alike.

        Returns:
            Their names and the share of their union that is in both, from 0
            to 1. None where no example is in two slices.
        """
        best = max(self._pairs(), key=lambda pair: pair[2], default=None)
        return best if best is not None and best[2] > 0 else None

    def warnings(self) -> Iterator[str]:
        """Yields what deserves a look before anything is trained on this."""
        for one in self.slices:
            known = self.num_examples - one.unknown
            if known and not one.size:
                yield f"slice `{one.name}` holds no example: it teaches nothing"
            elif known and one.size == known:
                yield (
                    f"slice `{one.name}` holds every example: it says no more "
                    "than the base slice"
                )
        for first, second, share in self._pairs():
            if share >= ALIKE:
                yield (
                    f"slices `{first}` and `{second}` are nearly one: "
                    f"{share:.0%} of the examples in either are in both"
                )
        if self.labels is not None:
            yield from self.labels.warnings()

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Returns headers and rows of cells, one row a slice."""
        headers = ["slice", "size", "coverage, %", "unknown"]
        rows = [
            [
                one.name,
                f"{one.size:,}",
                f"{100 * one.coverage:.1f}",
                f"{one.unknown:,}",
            ]
            for one in self.slices
        ]
        for more in (self.labels, self.audit):
            if more is not None:
                headers += more.headers()
                for row, cells in zip(rows, more.cells(), strict=True):
                    row += cells
        return headers, rows

    def __str__(self) -> str:
        headers, rows = self.table()
        columns = zip(headers, *rows, strict=True)
        padded = [
            [
                cell.rjust(width) if place else cell.ljust(width)
                for cell in cells
            ]
            for place, cells in enumerate(columns)
            for width in [max(map(len, cells))]
        ]
        lines = zip(*padded, strict=True)
        return "\n".join("  ".join(cells).rstrip() for cells in lines)

    @property
    def _size(self) -> int:
        return len(self.slices)

    def _pairs(self) -> Iterator[tuple[str, str, float]]:
        """Yields two names and their Jaccard index, cut to three places."""
        shares = (np.floor(self.jaccard * 1000) / 1000).tolist()
        for i, j in itertools.combinations(range(self._size), 2):
            yield self.slices[i].name, self.slices[j].name, shares[i][j]
