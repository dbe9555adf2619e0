"""What a job tells about its slices."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from slice_tf import slicing
from slice_tf_beam.costs import Costs


@dataclasses.dataclass(frozen=True)
class Summary(slicing.Summary):
    """What a job tells about its slices, and about its files.

    Args:
        num_shards: Number of shards.
        num_bad_records: Number of damaged records that were left out.
        costs: How long functions took in this run; None where nothing was
            left to do.
    """

    num_shards: int = 0
    num_bad_records: int = 0
    costs: Costs | None = dataclasses.field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary as plain JSON values."""
        return {**super().to_dict(), "bad_records": self.num_bad_records}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Returns headers and rows of cells, one row a slice."""
        headers, rows = super().table()
        if self.costs is not None:
            headers = [*headers, "\u00b5s/example"]
            for row, cost in zip(rows, self.costs.microseconds, strict=True):
                row.append(f"{cost:,.1f}")
        return headers, rows

    def warnings(self) -> Iterator[str]:
        """Yields what deserves a look before anything is trained on this."""
        if self.num_bad_records:
            yield (
                f"damaged records that were left out: {self.num_bad_records:,}"
                "; errors.jsonl says which"
            )
        yield from super().warnings()
