"""The records of a shard, as many at a time as functions see at once."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from slice_tf.data import RecordError, read_records

# Examples that slicing functions see at once.
CHUNK = 256
# Where they are large, fewer: what they and their sliced copies may take.
CHUNK_BYTES = 4 << 20

_FRAME_BYTES = 16


@dataclasses.dataclass(frozen=True)
class Chunk:
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

    def around(self, position: int) -> tuple["Chunk", "Chunk"]:
        """Returns what stands before a record of the chunk, and after it."""
        before, after = self.records[:position], self.records[position + 1 :]
        resumed = self.end_of(position)
        return (
            Chunk(before, self.index, self.offset),
            Chunk(after, self.index + position + 1, resumed),
        )

    def start_of(self, position: int) -> int:
        """Returns the byte at which a record of the chunk starts."""
        before = self.records[:position]
        return self.offset + sum(map(len, before)) + _FRAME_BYTES * len(before)

    def end_of(self, position: int) -> int:
        """Returns the byte at which the one after it starts."""
        return self.start_of(position + 1)


def read_chunks(
    source: Any, path: str, on_damage: Callable[[RecordError], None]
) -> Iterator[Chunk]:
    """Yields a shard's whole records, in chunks bounded in number and bytes.

    Args:
        source: A binary stream, plain or gzip, at its start.
        path: What errors call it.
        on_damage: Takes each damaged record; the chunk ends before it.
    """
    gap: list[RecordError] = []

    def note(error: RecordError) -> None:
        on_damage(error)
        gap.append(error)

    chunk, size = Chunk([], 0, 0), 0
    for record in read_records(source, path, note):
        count = len(chunk.records)
        if gap or size > CHUNK_BYTES or count == CHUNK:
            if count:
                yield chunk
            index, offset = chunk.index + count, chunk.start_of(count)
            if gap:
                index = gap[-1].record_index + 1
                offset = gap[-1].resume_at or offset
                gap.clear()
            chunk, size = Chunk([], index, offset), 0
        chunk.records.append(record)
        size += len(record)
    if chunk.records:
        yield chunk
