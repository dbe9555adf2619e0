"""The job behind `slice-tf discover --score`."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from slice_tf.data import encode, read_records, write_records
from slice_tf.discovery.regions import THRESHOLD, Regions
from slice_tf_beam import output, paths
from slice_tf_beam.only_writer import only_writer
from slice_tf_beam.options import make_options
from slice_tf_beam.over_shards import run_over_shards
from slice_tf_beam.shards import Shard, check_output, list_shards

SCORES = "scores.json"
FEATURE = "scores"
FORMAT_VERSION = 1

# From serialized examples to embeddings `[rows, dim]`.
EmbedRecords = Callable[[Sequence[bytes]], Any]
# Name of a shard, its number of examples, members of each slice, a failure.
Counted = tuple[str, int, list[int], str]

_BATCH = 512
_USER_ERRORS = (ValueError, TypeError, OSError, ImportError)


def score_found_slices(
    input_pattern: str,
    output_dir: str,
    regions: Regions,
    names: Sequence[str],
    load: Callable[[], EmbedRecords],
    *,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Writes how much each example is in each found slice.

    Record i of an output shard holds the scores of record i of the input
    shard of the same name: one feature, `scores`, a float from 0 to 1 a
    slice. An example of half or more is a member. `scores.json`, written
    last, says how many members each slice has.

    Args:
        input_pattern: TFRecord files: a path, a directory or a pattern, on
            any file system that Beam knows.
        output_dir: New or empty.
        regions: Where the slices lie.
        names: Of the slices, in the order of `regions`.
        load: Returns what embeds; pickled, and called once a worker.
        num_workers: Processes on this machine, unless `pipeline_options` name
            a runner.
        pipeline_options: Beam's own flags.

    Returns:
        What `scores.json` holds.

    Raises:
        ValueError: If there is no slice, no input, the output is not empty,
            or a record cannot be embedded; the message names the file.
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
    output.make_writable(directory)
    with only_writer(directory):
        output.prepare_output(directory, {}, overwrite=False)
        report = paths.temporary(directory, "counts")
        try:
            run_over_shards(
                shards,
                options,
                "ScoreShards"
                >> beam.ParDo(_ScoreShard(directory, regions, load)),
                "GatherCounts"
                >> beam.CombineGlobally(_gather).without_defaults(),
                "WriteCounts" >> beam.Map(_write, report),
            )
            values = _values(paths.read_json(report), regions, names)
        finally:
            output.sweep(directory)
        text = json.dumps(values, indent=2) + "\n"
        paths.write_text(paths.join(directory, SCORES), text)
    return values


@beam.typehints.with_output_types(list[Counted])
class _ScoreShard(beam.DoFn):
    """Scores a shard; what data causes is a text and no exception."""

    def __init__(
        self, directory: str, regions: Regions, load: Callable[[], EmbedRecords]
    ) -> None:
        super().__init__()
        self._directory = directory
        self._regions = regions
        self._load = load
        self._embed: EmbedRecords | None = None
        self._examples = Metrics.counter("slice_tf", "scored")

    def process(self, shard: Shard) -> Iterator[list[Counted]]:
        members = np.zeros(len(self._regions.places), np.int64)
        target = paths.join(self._directory, shard.name)
        partial = paths.temporary(self._directory, shard.name)
        try:
            with paths.open_to_write(partial) as stream:
                scored = self._scored(shard, members)
                count = write_records(stream, scored)
            paths.rename(partial, target)
        except _USER_ERRORS as error:
            paths.discard([partial])
            yield [(shard.name, 0, [], shard.named(str(error)))]
            return
        self._examples.inc(count)
        yield [(shard.name, count, members.tolist(), "")]

    def _scored(self, shard: Shard, members: Any) -> Iterator[bytes]:
        """Yields records of scores, and counts members on the way."""
        # Loaded here and not in `setup`, where an error would lose its words.
        self._embed = self._embed or self._load()
        with paths.open_to_read(shard.path) as stream:
            records = read_records(stream, shard.path)
            while batch := list(itertools.islice(records, _BATCH)):
                scores = self._regions.scores(self._embed(batch))
                members += (scores >= THRESHOLD).sum(axis=0)
                for row in scores.astype(np.float32):
                    yield encode({FEATURE: row})


def _gather(counts: Iterable[list[Counted]]) -> list[Counted]:
    return sorted(one for several in counts for one in several)


def _write(counts: list[Counted], path: str) -> None:
    paths.write_text(path, json.dumps(counts))


def _values(
    counts: list[Any], regions: Regions, names: Sequence[str]
) -> dict[str, Any]:
    failures = [failure for *_, failure in counts if failure]
    if failures:
        more = f" ({len(failures)} files failed)" if len(failures) > 1 else ""
        raise ValueError(failures[0] + more)
    members = np.sum([one for _, _, one, _ in counts], axis=0).tolist()
    return {
        "format_version": FORMAT_VERSION,
        "regions_fingerprint": regions.fingerprint,
        "num_examples": sum(count for _, count, _, _ in counts),
        "slices": [
            {"name": name, "members": many}
            for name, many in zip(names, members, strict=True)
        ],
        "shards": [
            {"name": name, "num_examples": count}
            for name, count, _, _ in counts
        ],
    }
