"""The pipeline: one shard is one element."""

import dataclasses
import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from slice_tf_beam import paths
from slice_tf_beam.budget import Budget
from slice_tf_beam.functions import fingerprint_of, load_functions
from slice_tf_beam.options import open_runner
from slice_tf_beam.shard_writer import write_sliced_shard
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Sidecar, origin_of

logger = logging.getLogger("slice_tf.beam")

# Path of a shard and why it could not be sliced.
Failure = tuple[str, str]

MAX_FAILURES = 100

# What data, disks and modules of the user can cause. Anything else is a bug:
# it fails the pipeline with its traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, ImportError, SystemExit)


@dataclasses.dataclass(frozen=True)
class Job:
    """What every worker must know.

    Args:
        output_dir: Where sliced shards go.
        import_paths: Where the slicing functions are.
        functions_fingerprint: What they must be.
        slice_tf_version: Version of this package at the driver.
        budget: How much may go wrong.
        sf_timeout: Seconds after which functions that do not answer end
            their process; None waits for ever.
    """

    output_dir: str
    import_paths: tuple[str, ...]
    functions_fingerprint: str
    slice_tf_version: str
    budget: Budget
    sf_timeout: float | None = None


def slice_shards(
    shards: Sequence[Shard], job: Job, options: PipelineOptions
) -> list[Failure]:
    """Slices shards on the runner that the options name.

    Failures travel through a file in the output directory, because a portable
    runner hands the driver no elements.

    Returns:
        Why shards could not be sliced, sorted by path: at most
        `MAX_FAILURES`.
    """
    name = f"failures-{uuid.uuid4().hex}"
    report = paths.temporary(job.output_dir, name)
    with (
        open_runner(options, killable=job.sf_timeout is not None) as runner,
        beam.Pipeline(runner=runner, options=options) as pipeline,
    ):
        _ = (
            pipeline
            | "Shards" >> beam.Create(shards)
            | "SpreadShards" >> beam.Reshuffle()
            | "SliceShards" >> beam.ParDo(_SliceShard(job))
            | "MergeFailures"
            >> beam.CombineGlobally(merge_failures).without_defaults()
            | "WriteFailures" >> beam.Map(_write_failures, report)
        )
    failures = paths.read_json(report)
    return [(path, message) for path, message in failures]


def slice_shard(shard: Shard, job: Job) -> Sidecar:
    """Slices one shard with the functions of a job.

    Raises:
        ValueError: If a function cannot be imported here or is not the one
            that the driver has, or a record is damaged.
        OSError: If a file cannot be read or written.
    """
    functions = load_functions(job.import_paths)
    found = fingerprint_of(functions)
    if found != job.functions_fingerprint:
        raise ValueError(
            "Workers must have the slicing functions that the driver has, "
            "because all shards get the same ones. Received: "
            f"driver={job.functions_fingerprint}, worker={found}. Ship the "
            "same code to both."
        )
    origin = origin_of(shard, found, job.slice_tf_version)
    return write_sliced_shard(
        shard,
        job.output_dir,
        functions,
        origin,
        job.budget.max_bad_records,
        job.sf_timeout,
    )


def merge_failures(failures: Iterable[list[Failure]]) -> list[Failure]:
    """Returns the first failures of many lists, sorted by path."""
    return sorted(one for several in failures for one in several)[:MAX_FAILURES]


class _SliceShard(beam.DoFn):
    """Slices a shard and yields a list of one failure or none.

    What data causes is no exception here: some runners try a bundle again,
    some hang, and all bury the message. Functions are loaded with each shard,
    which costs nothing after the first, since `setup` could only raise.
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._examples = Metrics.counter("slice_tf", "examples")
        self._shards = Metrics.counter("slice_tf", "shards")
        self._failed = Metrics.counter("slice_tf", "failed_shards")

    def process(self, shard: Shard) -> Iterator[list[Failure]]:
        try:
            sidecar = slice_shard(shard, self._job)
        except _USER_ERRORS as error:
            self._failed.inc()
            yield [(shard.path, _describe(error, shard))]
        else:
            self._shards.inc()
            self._examples.inc(sidecar.counts.num_examples)
            yield []


def _describe(error: BaseException, shard: Shard) -> str:
    text = str(error)
    named = "" if shard.path in text else f"{shard.path}: "
    if isinstance(error, (ValueError, TypeError)):
        return named + text
    return f"{named}{type(error).__name__}: {text}"


def _write_failures(failures: list[Failure], path: str) -> None:
    paths.write_text(path, json.dumps(failures))
