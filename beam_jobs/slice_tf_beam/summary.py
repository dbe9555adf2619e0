"""What a job tells about its slices."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Any

from slice_tf_beam.counts import VoteCounts

FORMAT_VERSION = 1

# Share of the union of two slices above which they are nearly one slice.
ALIKE = 0.9


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
    """What a job tells about its slices.

    Args:
        num_examples: Number of examples.
        num_shards: Number of shards.
        slices: One a slice, in schema order.
        overlap: Number of examples in both slices, of shape
            `[slices, slices]`.
        num_in_any: Number of examples in at least one slice.
        num_bad_records: Number of damaged records that were left out.
    """

    num_examples: int
    num_shards: int
    slices: tuple[SliceSummary, ...]
    overlap: tuple[tuple[int, ...], ...]
    num_in_any: int
    num_bad_records: int = 0

    @classmethod
    def of(
        cls,
        names: tuple[str, ...],
        counts: VoteCounts,
        num_shards: int,
        num_bad_records: int = 0,
    ) -> "Summary":
        """Returns the summary of counted votes."""
        everyone = max(1, counts.num_examples)
        rows = zip(names, counts.sizes, counts.unknown, strict=True)
        return cls(
            counts.num_examples,
            num_shards,
            tuple(
                SliceSummary(name, int(size), int(size) / everyone, int(failed))
                for name, size, failed in rows
            ),
            tuple(tuple(row) for row in counts.overlap.tolist()),
            counts.num_in_any,
            num_bad_records,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary as plain JSON values."""
        return {
            "format_version": FORMAT_VERSION,
            "num_examples": self.num_examples,
            "slices": [dataclasses.asdict(one) for one in self.slices],
            "overlap": [list(row) for row in self.overlap],
            "any": self.num_in_any,
            "none": self.num_examples - self.num_in_any,
            "bad_records": self.num_bad_records,
            "errors": {
                one.name: one.unknown for one in self.slices if one.unknown
            },
        }

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
        if self.num_bad_records:
            yield (
                f"damaged records that were left out: {self.num_bad_records:,}"
                "; errors.jsonl says which"
            )
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

    def _pairs(self) -> Iterator[tuple[str, str, float]]:
        for i, j in itertools.combinations(range(len(self.slices)), 2):
            first, second = self.slices[i], self.slices[j]
            union = first.size + second.size - self.overlap[i][j]
            share = self.overlap[i][j] / union if union else 0.0
            yield first.name, second.name, math.floor(share * 1000) / 1000
