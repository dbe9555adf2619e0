"""How slicing functions agree with people."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.confidence import wilson
from slice_tf.slicing.apply import Votes

NOT_AUDITED = -1


@dataclasses.dataclass(frozen=True)
class Share:
    """A share of some rows, and where it lies with 95 % confidence.

    Args:
        hits: Rows that count.
        total: Rows that could count.
    """

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share, from 0 to 1; not a number where no row could count."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval: from 0 to 1 where no row could count.

        Source:
            Wilson 1927, for independent rows.
        """
        if not self.total:
            return 0.0, 1.0
        low, high = wilson(self.hits, self.total)
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Returns the share as plain JSON values; null for no value."""
        return {
            "hits": self.hits,
            "total": self.total,
            "value": self.value if self.total else None,
            "interval": list(self.interval),
        }

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return f"{100 * self.value:.0f} ({100 * low:.0f} to {100 * high:.0f})"


@dataclasses.dataclass(frozen=True)
class Audit:
    """Precision and recall of slicing functions, by what people said.

    Args:
        names: Of the slices, in schema order.
        precision: Of each slice: of its audited rows, those that are in it.
        recall: Of each slice: of audited rows that are in it, those that the
            function finds. It holds for all data only if rows were drawn for
            the audit without regard to membership.
    """

    names: tuple[str, ...]
    precision: tuple[Share, ...]
    recall: tuple[Share, ...]

    @classmethod
    def of(cls, names: Sequence[str], votes: Votes, gold: Any) -> "Audit":
        """Compares votes with gold membership.

        Rows where a function failed count neither for nor against it.

        Args:
            names: Of the slices.
            votes: What the functions say.
            gold: 1 where a row is in a slice, 0 where it is not, -1 where
                nobody looked, of shape `[rows, slices]`.

        Raises:
            ValueError: If `gold` has another shape or other values.
        """
        array = np.asarray(gold)
        if array.shape != votes.membership.shape:
            raise ValueError(
                "Gold membership must be of the shape of the votes. Received: "
                f"gold={array.shape}, votes={votes.membership.shape}"
            )
        if not np.isin(array, (NOT_AUDITED, 0, 1)).all():
            raise ValueError(
                "Gold membership must be 1, 0, or -1 where nobody looked. "
                f"Received: gold={np.unique(array)[:5].tolist()}"
            )
        known = (array != NOT_AUDITED) & (votes.unknown == 0)
        found = known & (votes.membership == 1)
        there = known & (array == 1)
        both = (found & there).sum(axis=0)
        return cls(
            tuple(names),
            _shares(both, found.sum(axis=0)),
            _shares(both, there.sum(axis=0)),
        )

    def headers(self) -> list[str]:
        """Returns the headers of `cells`."""
        return ["precision, %", "recall, %"]

    def cells(self) -> list[list[str]]:
        """Returns a row of cells for each slice."""
        shares = zip(self.precision, self.recall, strict=True)
        return [[str(one) for one in pair] for pair in shares]

    def to_dict(self) -> dict[str, Any]:
        """Returns the audit as plain JSON values."""
        shares = zip(self.names, self.precision, self.recall, strict=True)
        return {
            name: {"precision": one.to_dict(), "recall": other.to_dict()}
            for name, one, other in shares
        }


def _shares(
    hits: npt.NDArray[np.int64], totals: npt.NDArray[np.int64]
) -> tuple[Share, ...]:
    pairs = zip(hits.tolist(), totals.tolist(), strict=True)
    return tuple(Share(hit, total) for hit, total in pairs)
