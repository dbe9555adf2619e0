"""TFRecord files without TensorFlow."""

import glob
import gzip
import itertools
import os
import pathlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import google_crc32c

from slice_tf.data.files import replacing

# A record is framed as: length, masked crc of the length, data, masked crc of
# the data.
_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_FOOTER = struct.Struct("<I")
_FRAME_BYTES = _HEADER.size + _FOOTER.size

_CHUNK_BYTES = 4 << 20
_DEFLATED_BYTES = 16 << 10
_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_LEVEL = 6

_SIDECARS = (".json", ".jsonl", ".tmp")


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
    """

    def __init__(
        self,
        path: str,
        record_index: int,
        offset: int,
        damage: str,
        compressed: bool = False,
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

    def __reduce__(self) -> tuple[Any, ...]:
        facts = (self.path, self.record_index, self.offset, self.damage)
        return type(self), (*facts, self.compressed)


def frame(record: bytes) -> bytes:
    """Returns a record as it stands in a TFRecord file."""
    length = _LENGTH.pack(len(record))
    return b"".join(
        (
            length,
            _FOOTER.pack(_masked_crc(length)),
            record,
            _FOOTER.pack(_masked_crc(record)),
        )
    )


def write_records(
    path_or_stream: str | os.PathLike[str] | BinaryIO,
    records: Iterable[bytes],
    compressed: bool = False,
) -> int:
    """Writes a TFRecord file and returns the number of its records.

    The same records give the same bytes. A path gets its final name when the
    file is whole; a stream is written to and left open.

    Args:
        path_or_stream: Local path, or a binary stream.
        records: The records, in order.
        compressed: Whether to write gzip, without name and time.
    """
    if isinstance(path_or_stream, (str, os.PathLike)):
        with (
            replacing(path_or_stream) as temporary,
            open(temporary, "wb", buffering=_CHUNK_BYTES) as stream,
        ):
            return write_records(stream, records, compressed)
    if compressed:
        with gzip.GzipFile(
            filename="",
            mode="wb",
            compresslevel=_GZIP_LEVEL,
            fileobj=path_or_stream,
            mtime=0,
        ) as deflated:
            return _write_frames(deflated, records)
    return _write_frames(path_or_stream, records)


def read_records(
    path_or_stream: str | os.PathLike[str] | BinaryIO,
    name: str | None = None,
) -> Iterator[bytes]:
    """Yields the records of a TFRecord file, plain or gzip.

    Gzip is found by its first bytes, whatever the file is called. Both
    checksums of every record are checked. Memory is bounded by a few chunks,
    or by the largest record.

    Args:
        path_or_stream: Local path, or a binary stream at its start.
        name: What errors call the file; its path where it has one.

    Raises:
        RecordError: If a record is damaged, after all before it were yielded.
    """
    if isinstance(path_or_stream, (str, os.PathLike)):
        path = os.fspath(path_or_stream)
        with open(path, "rb", buffering=0) as stream:
            yield from _read_stream(stream, name or path)
    else:
        known = name or str(getattr(path_or_stream, "name", "stream"))
        yield from _read_stream(path_or_stream, known)


def list_shards(pattern: str | os.PathLike[str]) -> list[str]:
    """Returns the TFRecord files of a directory or a pattern, sorted.

    Skips what other programs leave beside shards: names that start with `.`
    or `_`, and names that end with `.json`, `.jsonl` or `.tmp`.

    Args:
        pattern: A directory, a file, or a pattern such as `data/train-*`.

    Raises:
        ValueError: If there is no such file.
    """
    text = os.fspath(pattern)
    if os.path.isfile(text):
        return [text]
    inside = os.path.join(glob.escape(text), "*")
    wanted = inside if os.path.isdir(text) else text
    shards = sorted(path for path in glob.glob(wanted) if _is_shard(path))
    if not shards:
        raise ValueError(
            "A pattern must match at least one TFRecord file, because nothing "
            "can be done without data. Received: "
            f"pattern={text}, directory_exists={os.path.isdir(text)}"
        )
    return shards


def is_gzip(path: str | os.PathLike[str]) -> bool:
    """Tells whether a local TFRecord file is gzip, by its first bytes."""
    with open(path, "rb") as stream:
        return _starts_gzip(stream.read(_HEADER.size))


def _is_shard(path: str) -> bool:
    name = pathlib.Path(path).name
    hidden = name.startswith((".", "_")) or name.endswith(_SIDECARS)
    return not hidden and os.path.isfile(path)


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _write_frames(stream: Any, records: Iterable[bytes]) -> int:
    count = 0
    for count, record in enumerate(records, start=1):  # noqa: B007
        stream.write(frame(record))
    return count


class _DamageError(Exception):
    """The bytes below the records are damaged."""


def _read_stream(stream: BinaryIO, name: str) -> Iterator[bytes]:
    start = stream.read(_CHUNK_BYTES)
    rest = iter(lambda: stream.read(_CHUNK_BYTES), b"")
    chunks = itertools.chain([start], rest)
    if _starts_gzip(start):
        return _split(_inflate(chunks), name, compressed=True)
    return _split(chunks, name, compressed=False)


def _starts_gzip(start: bytes) -> bool:
    """Tells gzip from a plain file whose first record is 559,903 bytes."""
    if not start.startswith(_GZIP_MAGIC):
        return False
    if len(start) < _HEADER.size:
        return True
    _, crc = _HEADER.unpack_from(start)
    return _masked_crc(start[: _LENGTH.size]) != crc


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields decompressed chunks; all that is whole before an error."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    begun = False
    for chunk in chunks:
        for start in range(0, len(chunk), _DEFLATED_BYTES):
            piece = chunk[start : start + _DEFLATED_BYTES]
            while piece:
                if inflater.eof:
                    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                    begun = False
                    piece = piece.lstrip(b"\0")
                    continue
                begun = True
                yield from _inflate_piece(inflater, piece)
                piece = inflater.unused_data
    if begun and not inflater.eof:
        raise _DamageError("truncated: the gzip stream has no end")


def _inflate_piece(inflater: Any, piece: bytes) -> Iterator[bytes]:
    before = inflater.copy()
    try:
        yield inflater.decompress(piece)
    except zlib.error as error:
        for index in range(len(piece)):
            try:
                yield before.decompress(piece[index : index + 1])
            except zlib.error:
                break
        raise _DamageError(f"bad gzip stream: {error}") from error


def _split(
    chunks: Iterator[bytes], name: str, compressed: bool
) -> Iterator[bytes]:
    """Yields the records of a stream that comes in chunks of any size."""
    pieces: list[bytes] = []
    size = position = offset = index = 0
    needed = _HEADER.size
    unpack_header, unpack_footer = _HEADER.unpack_from, _FOOTER.unpack_from
    crc_of = google_crc32c.value
    length_crcs: dict[int, int] = {}
    damage = ""
    try:
        for chunk in chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size < needed:
                continue
            buffer = b"".join(pieces)
            position = 0
            while size - position >= 12:
                length, length_crc = unpack_header(buffer, position)
                if length_crcs.get(length) != length_crc:
                    if _masked_crc(_LENGTH.pack(length)) != length_crc:
                        raise _DamageError("bad checksum of the length")
                    length_crcs[length] = length_crc
                stop = position + 12 + length
                needed = 16 + length
                if stop + 4 > size:
                    break
                record = buffer[position + 12 : stop]
                crc = crc_of(record)
                masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
                if unpack_footer(buffer, stop)[0] != masked:
                    raise _DamageError("bad checksum of the data")
                yield record
                index += 1
                position = stop + 4
                needed = 12
            offset += position
            pieces = [buffer[position:]]
            size -= position
            position = 0
    except _DamageError as error:
        damage = str(error)
    if not damage and size:
        damage = f"truncated: {size} of {needed} bytes are there"
    if damage:
        raise RecordError(name, index, offset + position, damage, compressed)
