"""One raw shard in, one sliced shard and its sidecar out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from slice_tf.data import read_records
from slice_tf.data.framing import HEADER_BYTES
from slice_tf.data.record_range import find_record, read_range
from slice_tf.data.tfrecord import starts_gzip, write_record_lists
from slice_tf_beam import paths
from slice_tf_beam.costs import Costs
from slice_tf_beam.deadline import Deadline
from slice_tf_beam.job import Job
from slice_tf_beam.measured_stream import MeasuredStream
from slice_tf_beam.parts import Part
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import SUFFIX, Sidecar
from slice_tf_beam.slicer import Slicer
from slice_tf_beam.spans import OnDamage, read_spans
from slice_tf_beam.tally import Tally

_BLOCK_BYTES = 4 << 20

Read = Callable[[OnDamage], Iterator[bytes]]


class GzipError(ValueError):
    """A shard that should be cut is gzip."""


class ShardWriter:
    """Writes sliced shards, whole or from parts.

    A shard's sidecar comes first and its final name last, so that a shard
    under its final name always has the sidecar that belongs to it. What fails
    leaves no file of a final name but perhaps a sidecar, which alone means
    nothing.

    Args:
        job: What all shards are sliced by.

    Attributes:
        costs: How long the functions took over what was sliced last.

    Raises:
        ValueError: If the job's slicing functions cannot be had here.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._functions = job.load_functions()
        self.costs = Costs.nothing(len(self._functions))

    def write(self, shard: Shard) -> Sidecar:
        """Slices a shard: record i of the output is record i of the input.

        It is gzip where the input is. Where damaged records may be left out,
        those after them move up.

        Raises:
            ValueError: If too many records are damaged or no example; the
                message names file, record and byte.
            OSError: If a file cannot be read or written.
        """
        temporary = paths.temporary(self._job.output_dir, shard.name)
        tally = Tally(self._functions, self._job.budget.max_bad_records)
        try:
            with paths.open_to_read(shard.path) as source:

                def read(on_damage: OnDamage) -> Iterator[bytes]:
                    return read_records(source, shard.path, on_damage)

                stream = self._slice(
                    read, tally, shard.path, temporary, _is_gzip(source)
                )
            sidecar = self._sidecar(shard, shard.name, stream, tally)
            self._commit(temporary, sidecar)
        except BaseException:
            paths.discard([temporary])
            raise
        return sidecar

    def write_part(self, part: Part) -> str:
        """Slices a part of a plain shard into a file with a sidecar.

        Returns:
            The file's temporary name.

        Raises:
            GzipError: If the shard is gzip.
            ValueError: If anything else is not as it should be. The message
                counts from the part's first record: `write` knows better.
            OSError: If a file cannot be read or written.
        """
        shard, directory = part.shard, self._job.output_dir
        temporary = paths.temporary(directory, shard.name)
        name = paths.name_of(temporary)
        tally = Tally(self._functions, max_bad_records=0)
        try:
            with paths.open_to_read(shard.path) as source:
                if _is_gzip(source):
                    raise GzipError(f"gzip cannot be cut: {shard.path}")
                start = find_record(source, part.start, shard.num_bytes)
                stop = find_record(
                    source, part.stop or shard.num_bytes, shard.num_bytes
                )

                def read(on_damage: OnDamage) -> Iterator[bytes]:
                    return read_range(
                        source, start, stop, shard.path, on_damage
                    )

                place = f"{shard.path} from byte {start}"
                stream = self._slice(read, tally, place, temporary, False)
            self._sidecar(shard, name, stream, tally).save(directory)
        except BaseException:
            discard_parts(directory, [name])
            raise
        return name

    def join(self, shard: Shard, part_names: Sequence[str]) -> Sidecar:
        """Makes a shard of its parts, the same to the byte as `write`.

        Args:
            shard: The raw shard.
            part_names: What `write_part` returned, in order; removed at the
                end.

        Raises:
            OSError: If a file cannot be read or written.
        """
        directory = self._job.output_dir
        temporary = paths.temporary(directory, shard.name)
        tally = Tally(self._functions, max_bad_records=0)
        try:
            with paths.open_to_write(temporary) as target:
                stream = MeasuredStream(target)
                for name in part_names:
                    part = Sidecar.load(directory, name)
                    tally.append(part.counts, part.errors)
                    _copy(paths.join(directory, name), stream)
            sidecar = self._sidecar(shard, shard.name, stream, tally)
            self._commit(temporary, sidecar)
        except BaseException:
            paths.discard([temporary])
            raise
        finally:
            discard_parts(directory, part_names)
        return sidecar

    def _slice(
        self, read: Read, tally: Tally, place: str, target: str, gzip: bool
    ) -> MeasuredStream:
        """Slices what is read into a file and returns its measures."""
        with (
            paths.open_to_write(target) as stream,
            Deadline(self._functions, self._job.sf_timeout) as deadline,
        ):
            measured = MeasuredStream(stream)
            slicer = Slicer(
                place,
                self._functions,
                tally,
                deadline,
                self._job.slice_names,
            )
            spans = read_spans(read, tally.leave_out)
            write_record_lists(
                measured,  # type: ignore[arg-type]
                (each for span in spans for each in slicer.slice(span, gzip)),
                gzip,
            )
        self.costs = tally.costs
        return measured

    def _sidecar(
        self, shard: Shard, name: str, stream: MeasuredStream, tally: Tally
    ) -> Sidecar:
        return Sidecar(
            self._job.origin_of(shard),
            name,
            stream.num_bytes,
            stream.crc32c,
            tally.counts,
            tally.num_bad_records,
            tally.errors,
        )

    def _commit(self, temporary: str, sidecar: Sidecar) -> None:
        directory = self._job.output_dir
        sidecar.save(directory)
        paths.rename(temporary, paths.join(directory, sidecar.name))


def discard_parts(directory: str, part_names: Iterable[str]) -> None:
    """Removes sliced parts and their sidecars."""
    for name in part_names:
        path = paths.join(directory, name)
        paths.discard([path, path + SUFFIX])


def _is_gzip(source: Any) -> bool:
    """Tells whether a shard is gzip, and leaves the stream at its start."""
    head = source.read(HEADER_BYTES)
    source.seek(0)
    return starts_gzip(head)


def _copy(path: str, target: MeasuredStream) -> None:
    with paths.open_to_read(path) as source:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
