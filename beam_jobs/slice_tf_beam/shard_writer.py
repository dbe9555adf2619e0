"""One raw shard in, one sliced shard and its sidecar out."""

import io
from collections.abc import Sequence
from typing import Any

import google_crc32c

from slice_tf.data import RecordError, read_records
from slice_tf.data.tfrecord import write_record_lists
from slice_tf.slicing import SlicingFunction
from slice_tf_beam import paths
from slice_tf_beam.deadline import Deadline
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Origin, Sidecar
from slice_tf_beam.slicer import Slicer
from slice_tf_beam.spans import read_spans
from slice_tf_beam.tally import Tally

_GZIP_HEAD = 12


def write_sliced_shard(
    shard: Shard,
    output_dir: str,
    functions: Sequence[SlicingFunction],
    origin: Origin,
    max_bad_records: int = 0,
    sf_timeout: float | None = None,
) -> Sidecar:
    """Slices one shard: record i of the output is record i of the input.

    Where damaged records may be left out, those after them move up.

    The sidecar comes first and the shard's final name last, so that a shard
    under its final name always has the sidecar that belongs to it.

    Args:
        shard: The raw shard, plain or gzip; the sliced one is the same.
        output_dir: Where both files go.
        functions: The slicing functions, in the order of the schema.
        origin: What the sidecar says of where the shard comes from.
        max_bad_records: How many records that are damaged, or no example, are
            left out; one more is an error.
        sf_timeout: Seconds after which functions that do not answer about a
            span of records end this process; None waits for ever.

    Raises:
        ValueError: If too many records are damaged or no example; the message
            names file, record and byte.
        OSError: If a file cannot be read or written. No file of a final name
            is left then but perhaps the sidecar, which alone means nothing.
    """
    temporary = paths.temporary(output_dir, shard.name)
    try:
        with Deadline(functions, sf_timeout) as deadline:
            tally = Tally(functions, max_bad_records)
            slicer = Slicer(shard.path, functions, tally, deadline)
            sidecar = _write(shard, temporary, slicer, origin)
        sidecar.save(output_dir)
        paths.rename(temporary, paths.join(output_dir, shard.name))
    except BaseException:
        paths.discard([temporary])
        raise
    return sidecar


def _write(
    shard: Shard, temporary: str, slicer: Slicer, origin: Origin
) -> Sidecar:
    tally = slicer.tally
    with (
        paths.open_to_read(shard.path) as source,
        paths.open_to_write(temporary) as target,
    ):
        compressed = _is_gzip(source)
        measured = _MeasuredStream(target)
        spans = read_spans(source, shard.path, tally.leave_out)
        write_record_lists(
            measured,  # type: ignore[arg-type]
            (each for span in spans for each in slicer.slice(span, compressed)),
            compressed,
        )
    return Sidecar(
        origin,
        shard.name,
        measured.num_bytes,
        f"{measured.crc:08x}",
        tally.counts,
        tally.num_bad_records,
        tally.errors,
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
