"""The pipeline: one shard, or one part of a large one, is one element."""

import dataclasses
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from slice_tf_beam import paths
from slice_tf_beam.costs import Costs
from slice_tf_beam.job import Job
from slice_tf_beam.options import open_runner
from slice_tf_beam.parts import Part, parts_of
from slice_tf_beam.shard_writer import GzipError, ShardWriter, discard_parts
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Sidecar

logger = logging.getLogger("slice_tf.beam")

# Path of a shard and why it could not be sliced.
Failure = tuple[str, str]
# What became of some shards: failures, and how long functions took.
Told = tuple[list[Failure], list[Costs]]

MAX_FAILURES = 100

# What data, disks and modules of the user can cause. Anything else is a bug:
# it fails the pipeline with its traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, ImportError, SystemExit)


def slice_shards(
    shards: Sequence[Shard], job: Job, options: PipelineOptions
) -> tuple[list[Failure], Costs | None]:
    """Slices shards on the runner that the options name.

    What is told travels through a file in the output directory, because a
    portable runner hands the driver no elements.

    Returns:
        Why shards could not be sliced, sorted by path: at most
        `MAX_FAILURES`; and how long functions took over the others, None
        where all failed.
    """
    name = f"told-{uuid.uuid4().hex}"
    report = paths.temporary(job.output_dir, name)
    parts = [part for one in shards for part in parts_of(one, job.split_bytes)]
    with (
        open_runner(options, killable=job.sf_timeout is not None) as runner,
        beam.Pipeline(runner=runner, options=options) as pipeline,
    ):
        _ = (
            pipeline
            | "Parts" >> beam.Create(parts)
            | "SpreadParts" >> beam.Reshuffle()
            | "SliceParts" >> beam.ParDo(SlicePart(job))
            | "GroupParts" >> beam.GroupByKey()
            | "JoinParts" >> beam.ParDo(JoinParts(job))
            | "MergeTold" >> beam.CombineGlobally(merge_told).without_defaults()
            | "WriteTold" >> beam.Map(_write_told, report)
        )
    failures, *total = paths.read_json(report)
    costs = [Costs(count, tuple(seconds)) for count, seconds in total]
    return [(path, why) for path, why in failures], next(iter(costs), None)


def merge_told(told: Iterable[Told]) -> Told:
    """Returns the first failures, sorted by path, and the sum of all costs."""
    failures: list[Failure] = []
    total: Costs | None = None
    for failed, costs in told:
        failures = sorted([*failures, *failed])[:MAX_FAILURES]
        for one in costs:
            total = total.plus(one.num_examples, one.seconds) if total else one
    return failures, [total] if total else []


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a part.

    Args:
        part: The part.
        file: Temporary name of what it was sliced into; empty where it could
            not be sliced by itself. None where its shard was sliced whole.
        told: Why the whole shard could not be sliced, if so, and how long
            functions took.
    """

    part: Part
    file: str | None
    told: Told


class _ShardDoFn(beam.DoFn):
    """Slices shards; what data causes is a failure and no exception.

    Of an exception some runners try a bundle again, some hang, and all bury
    the message. Functions are loaded with each shard, which costs nothing
    after the first, since `setup` could only raise.
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._examples = Metrics.counter("slice_tf", "examples")
        self._shards = Metrics.counter("slice_tf", "shards")
        self._failed = Metrics.counter("slice_tf", "failed_shards")

    def _attempt(
        self, shard: Shard, make: Callable[[ShardWriter], Sidecar]
    ) -> Told:
        """Makes a sliced shard and returns one failure, or what it cost."""
        try:
            writer = ShardWriter(self._job)
            sidecar = make(writer)
        except _USER_ERRORS as error:
            self._failed.inc()
            return [(shard.path, _describe(error, shard))], []
        self._shards.inc()
        self._examples.inc(sidecar.counts.num_examples)
        return [], [writer.costs]

    def _slice_whole(self, shard: Shard) -> Told:
        return self._attempt(shard, lambda writer: writer.write(shard))


@beam.typehints.with_output_types(tuple[str, Any])
class SlicePart(_ShardDoFn):
    """Slices a whole shard, or a part of one that can be cut."""

    def process(self, part: Part) -> Iterator[tuple[str, Outcome]]:
        yield part.shard.path, self._outcome(part)

    def _outcome(self, part: Part) -> Outcome:
        shard = part.shard
        if part.stop is None:
            return Outcome(part, None, self._slice_whole(shard))
        try:
            writer = ShardWriter(self._job)
            file = writer.write_part(part)
        except GzipError:
            whole = self._slice_whole(shard) if part.index == 0 else ([], [])
            return Outcome(part, None, whole)
        except _USER_ERRORS as error:
            logger.info("%s: slicing it whole, as %s", shard.path, error)
            return Outcome(part, "", ([], []))
        return Outcome(part, file, ([], [writer.costs]))


@beam.typehints.with_output_types(tuple[Any, Any])
class JoinParts(_ShardDoFn):
    """Makes shards of their parts; yields what is told of each.

    A shard of which a part could not be sliced by itself is sliced whole:
    that succeeds, or says why not as if there were no parts.
    """

    def process(self, grouped: tuple[str, Iterable[Outcome]]) -> Iterator[Told]:
        outcomes = sorted(grouped[1], key=lambda one: one.part.index)
        shard = outcomes[0].part.shard
        files = [one.file for one in outcomes if one.file is not None]
        yield merge_told(one.told for one in outcomes)
        if files:
            yield self._attempt(
                shard, lambda writer: self._join(writer, shard, files)
            )

    def _join(
        self, writer: ShardWriter, shard: Shard, files: Sequence[str]
    ) -> Sidecar:
        if all(files):
            try:
                return writer.join(shard, files)
            except OSError as error:
                # A runner may ask again after parts were joined and removed.
                logger.info("%s: slicing it whole, as %s", shard.path, error)
        discard_parts(self._job.output_dir, filter(None, files))
        return writer.write(shard)


def _describe(error: BaseException, shard: Shard) -> str:
    if isinstance(error, (ValueError, TypeError)):
        return shard.named(str(error))
    return shard.named(f"{type(error).__name__}: {error}")


def _write_told(told: Told, path: str) -> None:
    failures, costs = told
    total = [(one.num_examples, one.seconds) for one in costs]
    paths.write_text(path, json.dumps([failures, *total]))
