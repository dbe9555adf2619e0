"""The job behind `slice-tf monitor`."""

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from slice_tf.data import read_records
from slice_tf.monitoring.traffic import (
    OUTPUTS,
    PREDICTIONS,
    PROBABILITIES,
    TrafficCounts,
)
from slice_tf_beam import paths
from slice_tf_beam.options import make_options
from slice_tf_beam.over_shards import run_over_shards
from slice_tf_beam.shards import Shard, list_shards

SLICE_PROBABILITIES = "slice_probabilities"
# Outputs that are read of an answer.
READ = (SLICE_PROBABILITIES, *OUTPUTS)

# From a record to the outputs of an answer by name; None where it is none
# that is to be counted.
ReadOutputs = Callable[[bytes], Mapping[str, Any] | None]
# What was counted, None where nothing was, and why shards could not be.
Outcome = tuple[TrafficCounts | None, list[str]]

_BATCH = 512
_MAX_FAILURES = 20
_USER_ERRORS = (ValueError, TypeError, OSError)


def count_traffic(
    logs: str,
    slices: Sequence[str],
    read: ReadOutputs,
    *,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
    scratch: str = ".",
) -> TrafficCounts | None:
    """Counts the answers in request logs.

    Args:
        logs: TFRecord files: a path, a directory or a pattern.
        slices: Names of the slices, in the order of `slice_probabilities`.
        read: Returns the outputs of a record; pickled.
        num_workers: Processes on this machine, unless `pipeline_options` name
            a runner.
        pipeline_options: Beam's own flags.
        scratch: Directory that workers and this process can write to.

    Returns:
        The counts; None where no answer was to be counted.

    Raises:
        ValueError: If there is no file, or an answer lacks what is needed;
            the message names the file.
        OSError: If a file cannot be read or written.
    """
    shards = list_shards(logs)
    options = make_options(pipeline_options, num_workers)
    report = paths.temporary(paths.absolute(scratch), "traffic")
    try:
        run_over_shards(
            shards,
            options,
            "CountAnswers" >> beam.ParDo(_CountAnswers(slices, read)),
            "MergeCounts" >> beam.CombineGlobally(_merge).without_defaults(),
            "WriteCounts" >> beam.Map(_write, report),
        )
        counts, failures = paths.read_json(report)
    finally:
        paths.discard([report])
    if failures:
        raise ValueError(failures[0])
    return counts and TrafficCounts.from_dict(counts)


@beam.typehints.with_output_types(Outcome)
class _CountAnswers(beam.DoFn):
    """Counts a shard; what data causes is a text and no exception."""

    def __init__(self, slices: Sequence[str], read: ReadOutputs) -> None:
        super().__init__()
        self._slices = tuple(slices)
        self._read = read
        self._answers = Metrics.counter("slice_tf", "answers")

    def process(self, shard: Shard) -> Iterator[Outcome]:
        counts: TrafficCounts | None = None
        start = 0
        try:
            with paths.open_to_read(shard.path) as stream:
                records = read_records(stream, shard.path)
                while batch := list(itertools.islice(records, _BATCH)):
                    read = map(self._read, batch)
                    answers = [one for one in read if one is not None]
                    if answers:
                        counts = counts or _new(self._slices, answers[0])
                        _add(counts, answers)
                    self._answers.inc(len(answers))
                    start += len(batch)
        except _USER_ERRORS as error:
            where = f", from record {start}" if start else ""
            yield None, [shard.named(str(error), where)]
            return
        yield counts, []


def _new(slices: Sequence[str], outputs: Mapping[str, Any]) -> TrafficCounts:
    """Returns counts of the kind that an answer gives."""
    output = next((name for name in OUTPUTS if name in outputs), None)
    if output is None or SLICE_PROBABILITIES not in outputs:
        raise ValueError(
            f"An answer must hold `{SLICE_PROBABILITIES}` and "
            f"`{PROBABILITIES}` or `{PREDICTIONS}`. Received: "
            f"outputs={', '.join(sorted(outputs))}. Log the signature "
            "`explain`, or serve with `--watch-slices`."
        )
    size = 1 if output == PREDICTIONS else outputs[output].shape[-1]
    return TrafficCounts(slices, output, size)


def _add(counts: TrafficCounts, answers: Sequence[Mapping[str, Any]]) -> None:
    names = (SLICE_PROBABILITIES, counts.output)
    for answer in answers:
        missing = [name for name in names if name not in answer]
        if missing:
            raise ValueError(
                "All answers must hold the outputs of the first. Received: "
                f"missing={', '.join(missing)}"
            )
    q, y = (np.concatenate([one[name] for one in answers]) for name in names)
    counts.add(q, y, [len(one[counts.output]) for one in answers])


def _merge(outcomes: Iterable[Outcome]) -> Outcome:
    """Merges what shards counted; after a failure, failures only."""
    found, told = zip(*outcomes, strict=True)
    failures = sorted(itertools.chain.from_iterable(told))[:_MAX_FAILURES]
    counted = [one for one in found if one is not None]
    if failures or not counted:
        return None, failures
    merged = copy.deepcopy(counted[0])
    try:
        for one in counted[1:]:
            merged.merge(one)
    except ValueError as error:
        return None, [str(error)]
    return merged, []


def _write(outcome: Outcome, path: str) -> None:
    counts, failures = outcome
    values = [counts and counts.to_dict(), failures]
    paths.write_text(path, json.dumps(values))
