"""A part of a plain TFRecord file, for whoever reads one in parallel."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from slice_tf.data.framing import (
    HEADER_BYTES,
    RecordError,
    header_of,
    split_frames,
)

_BLOCK_BYTES = 1 << 20
# The upper half of a record's length, which files of the world leave empty.
_UPPER_HALF = bytes(4)


def find_record(stream: BinaryIO, start: int, size: int) -> int:
    """Returns the byte at which the first record at or after `start` starts.

    A TFRecord file has no marks, but a length with its checksum is one: any
    other bytes look like it once in four billion times. A record that holds
    records as its data may mislead; `read_range` then raises.

    Args:
        stream: A plain TFRecord file that can be sought in.
        start: A byte of it.
        size: Number of its bytes, which is returned where no record follows.
    """
    if start == 0:
        return 0
    stream.seek(start)
    window, begin = b"", start
    while block := stream.read(_BLOCK_BYTES):
        window += block
        found = _find_header(window, begin, size)
        if found is not None:
            return found
        kept = window[-(HEADER_BYTES - 1) :]
        begin += len(window) - len(kept)
        window = kept
    return size


def read_range(
    stream: BinaryIO,
    start: int,
    stop: int,
    name: str,
    on_damage: Callable[[RecordError], None] | None = None,
) -> Iterator[bytes]:
    """Yields the records of a plain TFRecord file between two bytes.

    Args:
        stream: The file, which can be sought in.
        start: Byte at which a record starts.
        stop: Byte at which the first record starts that is not read.
        name: What errors call the file. They count from `start`.
        on_damage: Takes each error instead of the caller, as in
            `read_records`.

    Raises:
        RecordError: If a record is damaged, or none starts at `start` or
            none ends at `stop`.
    """
    stream.seek(start)
    blocks = _blocks(stream, stop - start)
    return split_frames(blocks, name, False, on_damage)


def _find_header(window: bytes, begin: int, size: int) -> int | None:
    at = window.find(_UPPER_HALF, 4)
    while at >= 0:
        position = at - 4
        length = header_of(window[position : position + HEADER_BYTES])
        if length is not None and begin + position + length < size:
            return begin + position
        at = window.find(_UPPER_HALF, at + 1)
    return None


def _blocks(stream: BinaryIO, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (block := stream.read(min(wanted, _BLOCK_BYTES))):
        wanted -= len(block)
        yield block
