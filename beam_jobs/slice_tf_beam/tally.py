"""What is found in one shard, while it is sliced."""

import collections
from collections.abc import Sequence
from typing import Any

from slice_tf.data import RecordError
from slice_tf.slicing import SlicingFunction, VoteCounts, Votes
from slice_tf_beam.costs import Costs

MAX_ERRORS = 100  # Of each function, and damaged records; all are counted.
MAX_MESSAGE = 200  # Characters of an exception's text.


class BadRecordsExceededError(ValueError):
    """More records are damaged than may be."""


class Tally:
    """Counts votes and keeps the first errors of each kind.

    Args:
        functions: The slicing functions, in the order of the schema.
        max_bad_records: How many damaged records may be left out.

    Attributes:
        counts: The votes on whole records.
        num_bad_records: How many records were left out. What follows a
            damaged length, or a cut, counts as one.
        costs: How long the functions took.
    """

    def __init__(
        self, functions: Sequence[SlicingFunction], max_bad_records: int
    ) -> None:
        self.counts = VoteCounts.zeros(len(functions))
        self.num_bad_records = 0
        self.costs = Costs.nothing(len(functions))
        self._max_bad_records = max_bad_records
        self._ranks = {one.name: i for i, one in enumerate(functions)}
        self._kept: collections.Counter[str] = collections.Counter()
        self._errors: list[dict[str, Any]] = []

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors by record, then by slice, damage first."""
        return sorted(
            self._errors,
            key=lambda one: (
                one["record"],
                self._ranks.get(one.get("slice", ""), -1),
            ),
        )

    def add(self, votes: Votes, index: int) -> None:
        """Counts the votes on records of which the first is record `index`."""
        self.counts.add(votes)
        if votes.seconds is not None:
            seconds = votes.seconds.tolist()
            self.costs = self.costs.plus(len(votes.membership), seconds)
        for error in votes.errors:
            if self._keeps(error.name):
                self._errors.append(
                    {
                        "record": index + error.row,
                        "slice": error.name,
                        "exception": error.exception,
                        "message": error.message[:MAX_MESSAGE],
                    }
                )

    def append(
        self, counts: VoteCounts, errors: Sequence[dict[str, Any]]
    ) -> None:
        """Adds what was found in the records that follow, all of them whole.

        Args:
            counts: Their votes.
            errors: The first errors of each function, as in `errors`, by
                record among those that follow.
        """
        start = self.counts.num_examples
        self.counts.merge(counts)
        for error in errors:
            if self._keeps(error["slice"]):
                record = start + error["record"]
                self._errors.append({**error, "record": record})

    def leave_out(self, error: RecordError) -> None:
        """Counts a damaged record.

        Raises:
            RecordError: If no record may be damaged.
            BadRecordsExceededError: If there are more than may be.
        """
        if not self._max_bad_records:
            raise error
        self.num_bad_records += 1
        if self.num_bad_records > self._max_bad_records:
            raise BadRecordsExceededError(
                "No more records may be damaged than `max_bad_records` "
                f"allows. Received: max_bad_records={self._max_bad_records}, "
                f"the next one={error}"
            ) from error
        if self._keeps(""):
            self._errors.append(
                {
                    "record": error.record_index,
                    "byte": error.offset,
                    "damage": error.damage,
                }
            )

    def _keeps(self, kind: str) -> bool:
        self._kept[kind] += 1
        return self._kept[kind] <= MAX_ERRORS
