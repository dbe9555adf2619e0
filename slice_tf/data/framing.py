"""How records stand in a TFRecord file.

A record is its length, a checksum of the length, its data, and a checksum of
the data. Checksums are CRC-32C, masked so that a checksum of data that holds
checksums is no weaker.
"""

import dataclasses
import functools
import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import google_crc32c

_LENGTH = struct.Struct("<Q")
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")

HEADER_BYTES = _HEADER.size
_FRAME_BYTES = _HEADER.size + _FOOTER.size


class DamageError(Exception):
    """A stream cannot be read on. Its text says why, not where."""


class RecordError(ValueError):
    """A TFRecord file is damaged.

    Args:
        path: Name of the file.
        record_index: Position of the first record that cannot be read; all
            before it are whole.
        offset: Byte at which that record starts; of the decompressed stream
            where the file is gzip.
        damage: What is wrong with it.
        compressed: Whether the file is gzip.
        resume_at: Byte at which the next record starts; None where that is
            not known, so that nothing after the damage can be read.
    """

    def __init__(
        self,
        path: str,
        record_index: int,
        offset: int,
        damage: str,
        compressed: bool = False,
        resume_at: int | None = None,
    ) -> None:
        stream = " of the decompressed stream" if compressed else ""
        super().__init__(
            "A TFRecord file must hold whole records with right checksums. "
            f"Received: file={path}, record={record_index}, "
            f"byte={offset}{stream}, damage={damage}. Write the file again, "
            "or leave it out."
        )
        self.path = path
        self.record_index = record_index
        self.offset = offset
        self.damage = damage
        self.compressed = compressed
        self.resume_at = resume_at

    def __reduce__(self) -> tuple[Any, ...]:
        facts = (self.path, self.record_index, self.offset, self.damage)
        return type(self), (*facts, self.compressed, self.resume_at)


def frame(record: bytes) -> bytes:
    """Returns a record as it stands in a TFRecord file."""
    size = len(record)
    header = _HEADER.pack(size, _length_crc(size))
    return b"".join((header, record, _FOOTER.pack(_masked_crc(record))))


def split_frames(
    chunks: Iterable[bytes],
    name: str,
    compressed: bool,
    on_damage: Callable[[RecordError], None] | None = None,
) -> Iterator[bytes]:
    """Yields the records of a file that comes in chunks of any size.

    Args:
        chunks: The file's bytes. Raises `DamageError` where there is no more.
        name: What errors call the file.
        compressed: Whether the chunks were decompressed.
        on_damage: Takes each error instead of the caller. Reading goes on
            after the damage, or ends where the next record cannot be found.

    Raises:
        RecordError: If a record is damaged, after all before it were yielded.
    """
    place = _Place(name, compressed, on_damage)
    try:
        yield from _split(chunks, place)
        return
    except DamageError as error:
        damage = str(error)
    place.refuse(damage)


def header_of(start: bytes) -> int | None:
    """Returns the length that stands with its checksum at a start, if any."""
    if len(start) < HEADER_BYTES:
        return None
    length, crc = _HEADER.unpack_from(start)
    return int(length) if _length_crc(length) == crc else None


@dataclasses.dataclass
class _Place:
    """How far reading came: records, and the bytes they took."""

    name: str
    compressed: bool
    on_damage: Callable[[RecordError], None] | None
    records: int = 0
    offset: int = 0

    def refuse(
        self, damage: str, records: int = 0, start: int = 0, size: int = 0
    ) -> None:
        """Raises or hands over what is wrong so many records and bytes on."""
        error = RecordError(
            self.name,
            self.records + records,
            self.offset + start,
            damage,
            self.compressed,
            resume_at=self.offset + start + size if size else None,
        )
        if self.on_damage is None:
            raise error
        self.on_damage(error)


def _split(chunks: Iterable[bytes], place: _Place) -> Iterator[bytes]:
    # Pieces are joined only when they hold a record, or a record of many
    # chunks would be copied once a chunk.
    pieces: list[bytes] = []
    size, needed = 0, HEADER_BYTES
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size >= needed:
            buffer = b"".join(pieces)
            used, needed = yield from _whole_records(buffer, place)
            pieces = [buffer[used:]]
            size -= used
    if size:
        raise DamageError(f"truncated: {size} of {needed} bytes are there")


def _whole_records(
    buffer: bytes, place: _Place
) -> Generator[bytes, None, tuple[int, int]]:
    """Yields records while they are whole.

    Returns:
        The bytes that were used, and how many the next record needs.
    """
    position = records = 0
    size = len(buffer)
    unpack_header, unpack_footer = _HEADER.unpack_from, _FOOTER.unpack_from
    try:
        while size - position >= HEADER_BYTES:
            length, crc = unpack_header(buffer, position)
            if _length_crc(length) != crc:
                raise DamageError("bad checksum of the length")
            start = position + HEADER_BYTES
            stop = start + length
            if stop + _FOOTER.size > size:
                return position, length + _FRAME_BYTES
            record = buffer[start:stop]
            if unpack_footer(buffer, stop) == (_masked_crc(record),):
                yield record
            else:
                place.refuse(
                    "bad checksum of the data",
                    records,
                    position,
                    length + _FRAME_BYTES,
                )
            records += 1
            position = stop + 4
        return position, HEADER_BYTES
    finally:
        place.records += records
        place.offset += position


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@functools.lru_cache(maxsize=1 << 14)
def _length_crc(length: int) -> int:
    """Returns the checksum of a length; files repeat a few lengths."""
    return _masked_crc(_LENGTH.pack(length))
