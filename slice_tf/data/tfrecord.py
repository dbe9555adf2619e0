"""TFRecord files without TensorFlow."""

import contextlib
import glob
import gzip
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from slice_tf.data.framing import (
    HEADER_BYTES,
    RecordError,
    frame,
    header_of,
    split_frames,
)
from slice_tf.data.gzip_stream import MAGIC, inflate
from slice_tf.files import replacing

__all__ = [
    "RecordError",
    "frame",
    "is_gzip",
    "is_shard_name",
    "list_shards",
    "read_records",
    "starts_gzip",
    "write_record_lists",
    "write_records",
]

_CHUNK_BYTES = 4 << 20
_GZIP_LEVEL = 6
_SIDECARS = (".json", ".jsonl", ".tmp")


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
    with _deflating(path_or_stream, compressed) as stream:
        return _write_frames(stream, records)


def write_record_lists(
    stream: BinaryIO,
    record_lists: Iterable[Sequence[bytes]],
    compressed: bool = False,
) -> None:
    """Writes what `write_records` does, one list of records at a time.

    Args:
        stream: A binary stream, which is left open.
        record_lists: The records, in order; each list is copied once.
        compressed: Whether to write gzip, without name and time.
    """
    with _deflating(stream, compressed) as target:
        for records in record_lists:
            target.write(b"".join(map(frame, records)))


def read_records(
    path_or_stream: str | os.PathLike[str] | BinaryIO,
    name: str | None = None,
    on_damage: Callable[[RecordError], None] | None = None,
) -> Iterator[bytes]:
    """Yields the records of a TFRecord file, plain or gzip.

    Gzip is found by its first bytes, whatever the file is called. Both
    checksums of every record are checked. Memory is bounded by a few chunks,
    or by the largest record.

    Args:
        path_or_stream: Local path, or a binary stream at its start.
        name: What errors call the file; its path where it has one.
        on_damage: Takes each error instead of the caller. Reading goes on
            after a record whose data is damaged, and ends where the next one
            cannot be found: at a damaged length, a cut file, a broken gzip.

    Raises:
        RecordError: If a record is damaged and there is no `on_damage`, after
            all before it were yielded.
    """
    if isinstance(path_or_stream, (str, os.PathLike)):
        path = os.fspath(path_or_stream)
        with open(path, "rb", buffering=0) as stream:
            yield from _read_stream(stream, name or path, on_damage)
    else:
        known = name or str(getattr(path_or_stream, "name", "stream"))
        yield from _read_stream(path_or_stream, known, on_damage)


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
    shards = sorted(
        path
        for path in glob.glob(wanted)
        if is_shard_name(os.path.basename(path)) and os.path.isfile(path)
    )
    if not shards:
        raise ValueError(
            "A pattern must match at least one TFRecord file, because nothing "
            "can be done without data. Received: "
            f"pattern={text}, directory_exists={os.path.isdir(text)}"
        )
    return shards


def is_shard_name(name: str) -> bool:
    """Tells a shard's file name from those of what stands beside shards."""
    return not name.startswith((".", "_")) and not name.endswith(_SIDECARS)


def is_gzip(path: str | os.PathLike[str]) -> bool:
    """Tells whether a local TFRecord file is gzip, by its first bytes."""
    with open(path, "rb") as stream:
        return starts_gzip(stream.read(HEADER_BYTES))


def starts_gzip(start: bytes) -> bool:
    """Tells whether a TFRecord file that starts with these bytes is gzip."""
    # A plain file starts with the same bytes where its first record has a
    # length such as 559,903; then a checksum of the length follows.
    return start.startswith(MAGIC) and header_of(start) is None


def _read_stream(
    stream: BinaryIO,
    name: str,
    on_damage: Callable[[RecordError], None] | None,
) -> Iterator[bytes]:
    chunks = iter(lambda: stream.read(_CHUNK_BYTES), b"")
    start = b""
    while len(start) < HEADER_BYTES and (chunk := next(chunks, b"")):
        start += chunk
    whole = itertools.chain([start], chunks)
    if starts_gzip(start):
        return split_frames(inflate(whole), name, True, on_damage)
    return split_frames(whole, name, False, on_damage)


@contextlib.contextmanager
def _deflating(stream: BinaryIO, compressed: bool) -> Iterator[Any]:
    if not compressed:
        yield stream
        return
    with gzip.GzipFile(
        filename="",
        mode="wb",
        compresslevel=_GZIP_LEVEL,
        fileobj=stream,
        mtime=0,
    ) as deflated:
        yield deflated


def _write_frames(stream: Any, records: Iterable[bytes]) -> int:
    count = 0
    for record in records:
        stream.write(frame(record))
        count += 1
    return count
