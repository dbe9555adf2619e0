"""The job behind `slice-tf discover --score`."""

import itertools
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

import slice_tf
from slice_tf.data import encode, read_records, write_records
from slice_tf.discovery.inputs import as_rows
from slice_tf.discovery.regions import THRESHOLD, Regions
from slice_tf.slicing import VoteCounts, Votes
from slice_tf_beam import output, paths
from slice_tf_beam.measured_stream import MeasuredStream
from slice_tf_beam.only_writer import only_writer
from slice_tf_beam.options import make_options
from slice_tf_beam.over_shards import run_over_shards
from slice_tf_beam.shards import Shard, check_output, list_shards
from slice_tf_beam.sidecar import Origin, Sidecar

FEATURE = "scores"
FORMAT_VERSION = 1

# From serialized examples to embeddings `[rows, ...]`.
EmbedRecords = Callable[[Sequence[bytes]], Any]

logger = logging.getLogger("slice_tf.beam")
_BATCH = 512
_USER_ERRORS = (ValueError, TypeError, OSError, ImportError)


def score_found_slices(
    input_pattern: str,
    output_dir: str,
    regions: Regions,
    names: Sequence[str],
    load: Callable[[], EmbedRecords],
    *,
    embedder: str = "",
    overwrite: bool = False,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Writes how much each example is in each found slice.

    Record i of an output shard holds the scores of record i of the input
    shard of the same name: one feature, `scores`, a float from 0 to 1 a
    slice. An example of half or more is a member. `scores.json`, written
    last, says how many members each slice has. A job that was stopped
    continues when it is called again.

    Args:
        input_pattern: TFRecord files: a path, a directory or a pattern, on
            any file system that Beam knows.
        output_dir: New, empty, or of an earlier run of the same job.
        regions: Where the slices lie.
        names: Of the slices, in the order of `regions`.
        load: Returns what embeds; pickled, and called once a worker.
        embedder: Fingerprint of what embeds: another one is another job.
        overwrite: Whether an earlier run's files are removed first.
        num_workers: Processes on this machine, unless `pipeline_options` name
            a runner.
        pipeline_options: Beam's own flags.

    Returns:
        What `scores.json` holds.

    Raises:
        ValueError: If there is no slice, no input, the output holds anything
            else, or a record cannot be embedded; the message names the file.
            Shards that are whole are kept for the next run.
        OSError: If a file cannot be read or written.
    """
    if not names:
        raise ValueError(
            "There must be a found slice to score examples with. Received: "
            "slices=none, since the run found nothing"
        )
    shards = list_shards(input_pattern)
    directory = paths.absolute(output_dir)
    check_output(shards, directory)
    options = make_options(pipeline_options, num_workers)
    made_by = f"{regions.fingerprint} {embedder}".rstrip()
    expected = {shard: _origin(shard, made_by) for shard in shards}
    output.make_writable(directory)
    with only_writer(directory):
        done = output.prepare_output(directory, expected, overwrite)
        todo = [shard for shard in shards if shard not in done]
        if done:
            many = len(done), len(shards)
            logger.info("%d of %d shards are done already", *many)
        try:
            if todo:
                output.remove_manifest(directory)
                score = _ScoreShard(directory, regions, load, made_by)
                _score_shards(todo, options, score, directory)
        finally:
            output.sweep(directory)
        done_names = sorted(shard.name for shard in shards)
        values = _values(directory, done_names, regions, names)
        text = json.dumps(values, indent=2) + "\n"
        paths.write_text(paths.join(directory, output.SCORES), text)
    return values


def _origin(shard: Shard, made_by: str) -> Origin:
    version = slice_tf.__version__
    return Origin(shard.path, shard.num_bytes, made_by, version)


def _score_shards(
    shards: Sequence[Shard],
    options: PipelineOptions,
    score: "_ScoreShard",
    directory: str,
) -> None:
    report = paths.temporary(directory, "failures")
    run_over_shards(
        shards,
        options,
        "ScoreShards" >> beam.ParDo(score),
        "GatherFailures" >> beam.CombineGlobally(_gather),
        "WriteFailures" >> beam.Map(_write, report),
    )
    failures = paths.read_json(report)
    if failures:
        more = f" ({len(failures)} files failed)" if len(failures) > 1 else ""
        raise ValueError(failures[0] + more)


@beam.typehints.with_output_types(list[str])
class _ScoreShard(beam.DoFn):
    """Scores a shard; what data causes is a text and no exception."""

    def __init__(
        self,
        directory: str,
        regions: Regions,
        load: Callable[[], EmbedRecords],
        made_by: str,
    ) -> None:
        super().__init__()
        self._made_by = made_by
        self._directory = directory
        self._regions = regions
        self._load = load
        self._embed: EmbedRecords | None = None
        self._examples = Metrics.counter("slice_tf", "scored")

    def process(self, shard: Shard) -> Iterator[list[str]]:
        counts = VoteCounts.zeros(len(self._regions.places))
        partial = paths.temporary(self._directory, shard.name)
        try:
            with paths.open_to_write(partial) as stream:
                measured = MeasuredStream(stream)
                scored = self._scored(shard, counts)
                write_records(measured, scored)  # type: ignore[arg-type]
            Sidecar(
                _origin(shard, self._made_by),
                shard.name,
                measured.num_bytes,
                measured.crc32c,
                counts,
                num_bad_records=0,
                errors=[],
            ).save(self._directory)
            paths.rename(partial, paths.join(self._directory, shard.name))
        except _USER_ERRORS as error:
            paths.discard([partial])
            yield [shard.named(str(error))]
            return
        self._examples.inc(counts.num_examples)

    def _scored(self, shard: Shard, counts: VoteCounts) -> Iterator[bytes]:
        """Yields records of scores, and counts members on the way."""
        # Loaded here and not in `setup`, where an error would lose its words.
        self._embed = self._embed or self._load()
        with paths.open_to_read(shard.path) as stream:
            records = read_records(stream, shard.path)
            while batch := list(itertools.islice(records, _BATCH)):
                rows = as_rows(self._embed(batch), len(batch))
                scores = self._regions.scores(rows)
                inside = (scores >= THRESHOLD).astype(np.uint8)
                counts.add(Votes(inside, np.zeros_like(inside), []))
                for row in scores.astype(np.float32):
                    yield encode({FEATURE: row})


def _gather(failures: Iterable[list[str]]) -> list[str]:
    return sorted(one for several in failures for one in several)


def _write(failures: list[str], path: str) -> None:
    paths.write_text(path, json.dumps(failures))


def _values(
    directory: str,
    shard_names: Sequence[str],
    regions: Regions,
    names: Sequence[str],
) -> dict[str, Any]:
    found = [Sidecar.load(directory, name) for name in shard_names]
    counts = VoteCounts.zeros(len(names))
    for one in found:
        counts.merge(one.counts)
    return {
        "format_version": FORMAT_VERSION,
        "regions_fingerprint": regions.fingerprint,
        "num_examples": counts.num_examples,
        "slices": [
            {"name": name, "members": members}
            for name, members in zip(names, counts.sizes.tolist(), strict=True)
        ],
        "shards": [
            {"name": one.name, "num_examples": one.counts.num_examples}
            for one in found
        ],
    }
