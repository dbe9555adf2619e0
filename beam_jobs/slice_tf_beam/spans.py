"""The records of a shard, a span at a time."""

import dataclasses
from collections.abc import Callable, Iterator

from slice_tf.data import RecordError

# Examples that slicing functions see at once.
SPAN = 256
# Where they are large, fewer: what they and their sliced copies may take.
SPAN_BYTES = 4 << 20

_FRAME_BYTES = 16

OnDamage = Callable[[RecordError], None]


@dataclasses.dataclass(frozen=True)
class Span:
    """Records that follow one another in a file.

    Args:
        records: The records.
        index: Position of the first in the file.
        offset: Byte at which the first starts; of the decompressed stream
            where the file is gzip.
    """

    records: list[bytes]
    index: int
    offset: int

    def around(self, position: int) -> tuple["Span", "Span"]:
        """Returns what stands before a record of the span, and after it."""
        before, after = self.records[:position], self.records[position + 1 :]
        resumed = self.end_of(position)
        return (
            Span(before, self.index, self.offset),
            Span(after, self.index + position + 1, resumed),
        )

    def start_of(self, position: int) -> int:
        """Returns the byte at which a record of the span starts."""
        before = self.records[:position]
        return self.offset + sum(map(len, before)) + _FRAME_BYTES * len(before)

    def end_of(self, position: int) -> int:
        """Returns the byte at which the one after it starts."""
        return self.start_of(position + 1)


def read_spans(
    read: Callable[[OnDamage], Iterator[bytes]], on_damage: OnDamage
) -> Iterator[Span]:
    """Yields whole records in spans that are bounded in number and bytes.

    Args:
        read: Yields the records and hands damaged ones to what it is given.
        on_damage: Takes each damaged record; the span ends before it.
    """
    gap: list[RecordError] = []

    def note(error: RecordError) -> None:
        on_damage(error)
        gap.append(error)

    span, size = Span([], 0, 0), 0
    for record in read(note):
        count = len(span.records)
        if gap or size > SPAN_BYTES or count == SPAN:
            if count:
                yield span
            index, offset = span.index + count, span.start_of(count)
            if gap:
                index = gap[-1].record_index + 1
                offset = gap[-1].resume_at or offset
                gap.clear()
            span, size = Span([], index, offset), 0
        span.records.append(record)
        size += len(record)
    if span.records:
        yield span
