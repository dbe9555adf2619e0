"""Slicing functions over the spans of one shard."""

from collections.abc import Iterator, Sequence

from slice_tf.data import RecordError
from slice_tf.slicing import SlicingFunction
from slice_tf_beam.deadline import Deadline
from slice_tf_beam.records import UndecodableError, add_membership
from slice_tf_beam.spans import Span
from slice_tf_beam.tally import Tally


class Slicer:
    """Asks slicing functions about the spans of a shard and tallies.

    Args:
        path: The shard, for messages.
        functions: The slicing functions, in the order of the schema.
        tally: Takes votes and damaged records.
        deadline: Watches over the functions.
        slice_names: Whether names of slices are written, too.
    """

    def __init__(
        self,
        path: str,
        functions: Sequence[SlicingFunction],
        tally: Tally,
        deadline: Deadline,
        slice_names: bool,
    ) -> None:
        self.path = path
        self.functions = functions
        self.tally = tally
        self.deadline = deadline
        self.slice_names = slice_names

    def slice(self, span: Span, compressed: bool) -> Iterator[list[bytes]]:
        """Yields sliced records, in one list where all are examples."""
        while span.records:
            try:
                with self.deadline.asked(self._place(span)):
                    sliced, votes = add_membership(
                        span.records, self.functions, self.slice_names
                    )
            except UndecodableError as error:
                self.tally.leave_out(self._located(error, span, compressed))
                before, span = span.around(error.index)
                yield from self.slice(before, compressed)
            else:
                self.tally.add(votes, span.index)
                yield sliced
                return

    def _place(self, span: Span) -> str:
        last = span.index + len(span.records) - 1
        return f"shard={self.path}, records={span.index} to {last}"

    def _located(
        self, error: UndecodableError, span: Span, compressed: bool
    ) -> RecordError:
        """Returns the error of a record that was read but is no example."""
        return RecordError(
            self.path,
            span.index + error.index,
            span.start_of(error.index),
            f"no serialized tf.train.Example: {error.damage}",
            compressed,
        )
