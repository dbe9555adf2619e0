"""One raw shard in, one sliced shard and its sidecar out."""

import collections
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import google_crc32c

from slice_tf.data import RecordError, read_records
from slice_tf.data.tfrecord import write_record_lists
from slice_tf.slicing import SlicingFunction, VoteError
from slice_tf_beam import paths
from slice_tf_beam.counts import VoteCounts
from slice_tf_beam.records import (
    CHUNK,
    CHUNK_BYTES,
    UndecodableError,
    add_membership,
)
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Origin, Sidecar

MAX_ERRORS = 100  # Of each function in each shard; all are counted.
MAX_MESSAGE = 200  # Characters of an exception's text.

_FRAME_BYTES = 16
_GZIP_HEAD = 12


def write_sliced_shard(
    shard: Shard,
    output_dir: str,
    functions: Sequence[SlicingFunction],
    origin: Origin,
) -> Sidecar:
    """Slices one shard: record i of the output is record i of the input.

    The sidecar comes first and the shard's final name last, so that a shard
    under its final name always has the sidecar that belongs to it.

    Args:
        shard: The raw shard, plain or gzip; the sliced one is the same.
        output_dir: Where both files go.
        functions: The slicing functions, in the order of the schema.
        origin: What the sidecar says of where the shard comes from.

    Raises:
        ValueError: If a record is damaged or no example; the message names
            file, record and byte.
        OSError: If a file cannot be read or written. No file of a final name
            is left then but perhaps the sidecar, which alone means nothing.
    """
    temporary = paths.temporary(output_dir, shard.name)
    try:
        sidecar = _write(shard, temporary, functions, origin)
        sidecar.save(output_dir)
        paths.rename(temporary, paths.join(output_dir, shard.name))
    except BaseException:
        paths.discard([temporary])
        raise
    return sidecar


def _write(
    shard: Shard,
    temporary: str,
    functions: Sequence[SlicingFunction],
    origin: Origin,
) -> Sidecar:
    votes = _ShardVotes(functions)
    with (
        paths.open_to_read(shard.path) as source,
        paths.open_to_write(temporary) as target,
    ):
        compressed = _is_gzip(source)
        records = read_records(source, shard.path)
        measured = _MeasuredStream(target)
        write_record_lists(
            measured,  # type: ignore[arg-type]
            _slice(records, votes, shard.path, compressed),
            compressed,
        )
    return Sidecar(
        origin,
        shard.name,
        measured.num_bytes,
        f"{measured.crc:08x}",
        votes.counts,
        votes.errors,
    )


def _is_gzip(source: Any) -> bool:
    """Tells whether a shard is gzip, and leaves the stream at its start."""
    head = source.read(_GZIP_HEAD)
    source.seek(0)
    try:
        next(read_records(io.BytesIO(head), "head"), None)
    except RecordError as error:  # Twelve bytes are always cut short.
        return error.compressed
    return False


class _ShardVotes:
    """What slicing functions said about a shard so far."""

    def __init__(self, functions: Sequence[SlicingFunction]) -> None:
        self.functions = functions
        self.counts = VoteCounts.zeros(len(functions))
        self.errors: list[dict[str, Any]] = []
        self._kept: collections.Counter[str] = collections.Counter()

    def keep(self, errors: Iterable[VoteError], start: int) -> None:
        for error in errors:
            if self._kept[error.name] < MAX_ERRORS:
                self._kept[error.name] += 1
                self.errors.append(
                    {
                        "record": start + error.row,
                        "slice": error.name,
                        "exception": error.exception,
                        "message": error.message[:MAX_MESSAGE],
                    }
                )


def _slice(
    records: Iterator[bytes], votes: _ShardVotes, path: str, compressed: bool
) -> Iterator[list[bytes]]:
    """Yields lists of sliced records and counts the votes on them."""
    offset = 0
    for chunk in _chunks(records):
        start = votes.counts.num_examples
        try:
            sliced, found = add_membership(chunk, votes.functions)
        except UndecodableError as error:
            raise RecordError(
                path,
                start + error.index,
                offset + _framed_bytes(chunk[: error.index]),
                f"no serialized tf.train.Example: {error.damage}",
                compressed,
            ) from error
        offset += _framed_bytes(chunk)
        votes.counts.add(found)
        votes.keep(found.errors, start)
        yield sliced


def _chunks(records: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yields lists that are bounded in number and, but for one, in bytes."""
    chunk: list[bytes] = []
    room = CHUNK_BYTES
    for record in records:
        chunk.append(record)
        room -= len(record)
        if room < 0 or len(chunk) == CHUNK:
            yield chunk
            chunk, room = [], CHUNK_BYTES
    if chunk:
        yield chunk


def _framed_bytes(records: Sequence[bytes]) -> int:
    return sum(map(len, records)) + _FRAME_BYTES * len(records)


class _MeasuredStream:
    """Knows size and checksum of what was written to it."""

    def __init__(self, stream: Any) -> None:
        self.num_bytes = 0
        self.crc = 0
        self._stream = stream

    def write(self, block: bytes) -> int:
        self._stream.write(block)
        self.crc = google_crc32c.extend(self.crc, block)
        self.num_bytes += len(block)
        return len(block)
