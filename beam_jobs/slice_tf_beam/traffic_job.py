"""The job behind `slice-tf monitor`."""

import collections
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
from slice_tf.monitoring.windows import merge_windows, window_of
from slice_tf_beam import paths
from slice_tf_beam.options import make_options
from slice_tf_beam.over_shards import run_over_shards
from slice_tf_beam.shards import Shard, list_shards

SLICE_PROBABILITIES = "slice_probabilities"
# Outputs that are read of an answer.
READ = (SLICE_PROBABILITIES, *OUTPUTS)

# From a record to when an answer was given, in seconds since 1970 or 0, and its
# outputs by name; None where it is none that is to be counted.
ReadAnswer = Callable[[bytes], tuple[int, Mapping[str, Any]] | None]
# What was counted, by window; how many answers told of no slices; and why
# shards could not be counted.
Outcome = tuple[dict[str, TrafficCounts], int, list[str]]

_BATCH = 512
_MAX_FAILURES = 20
_USER_ERRORS = (ValueError, TypeError, OSError)


def count_traffic(
    logs: str,
    slices: Sequence[str],
    read: ReadAnswer,
    *,
    every: str | None = None,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
    scratch: str = ".",
) -> tuple[dict[str, TrafficCounts], int]:
    """Counts the answers in request logs, by windows of time.

    Answers that tell of no slices, as those of `serving_default` do where
    slices are not watched, are passed over.

    Args:
        logs: TFRecord files: a path, a directory or a pattern.
        slices: Names of the slices, in the order of `slice_probabilities`.
        read: Returns time and outputs of a record; pickled.
        every: `day` or `hour`; None takes all for one window.
        num_workers: Processes on this machine, unless `pipeline_options` name
            a runner.
        pipeline_options: Beam's own flags.
        scratch: Directory that workers and this process can write to.

    Returns:
        The counts by window, as `window_of` names it; none where no answer
        was to be counted. And the number of answers that were passed over.

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
            "CountAnswers" >> beam.ParDo(_CountAnswers(slices, read, every)),
            "MergeCounts" >> beam.CombineGlobally(_merge).without_defaults(),
            "WriteCounts" >> beam.Map(_write, report),
        )
        windows, passed, failures = paths.read_json(report)
    finally:
        paths.discard([report])
    if failures:
        raise ValueError(failures[0])
    return {
        start: TrafficCounts.from_dict(counts)
        for start, counts in sorted(windows.items())
    }, passed


@beam.typehints.with_output_types(Outcome)
class _CountAnswers(beam.DoFn):
    """Counts a shard; what data causes is a text and no exception."""

    def __init__(
        self, slices: Sequence[str], read: ReadAnswer, every: str | None
    ) -> None:
        super().__init__()
        self._slices = tuple(slices)
        self._read = read
        self._every = every
        self._answers = Metrics.counter("slice_tf", "answers")

    def process(self, shard: Shard) -> Iterator[Outcome]:
        windows: dict[str, TrafficCounts] = {}
        passed = start = 0
        try:
            with paths.open_to_read(shard.path) as stream:
                records = read_records(stream, shard.path)
                while batch := list(itertools.islice(records, _BATCH)):
                    read = [one for one in map(self._read, batch) if one]
                    told = [
                        one for one in read if SLICE_PROBABILITIES in one[1]
                    ]
                    self._count(windows, told, shard.path)
                    self._answers.inc(len(told))
                    passed += len(read) - len(told)
                    start += len(batch)
        except _USER_ERRORS as error:
            where = f", from record {start}" if start else ""
            yield {}, 0, [shard.named(str(error), where)]
            return
        yield windows, passed, []

    def _count(
        self,
        windows: dict[str, TrafficCounts],
        answers: Sequence[tuple[int, Mapping[str, Any]]],
        path: str,
    ) -> None:
        found = collections.defaultdict(list)
        for seconds, outputs in answers:
            found[window_of(self._every, seconds, path)].append(outputs)
        for window, told in found.items():
            if window not in windows:
                windows[window] = _new(self._slices, told[0])
            _add(windows[window], told)


def _new(slices: Sequence[str], outputs: Mapping[str, Any]) -> TrafficCounts:
    """Returns counts of the kind that an answer gives."""
    output = next((name for name in OUTPUTS if name in outputs), None)
    if output is None:
        raise ValueError(
            f"An answer must hold `{PROBABILITIES}` or `{PREDICTIONS}`. "
            f"Received: outputs={', '.join(sorted(outputs))}"
        )
    size = 1 if output == PREDICTIONS else outputs[output].shape[-1]
    return TrafficCounts(slices, output, size)


def _add(counts: TrafficCounts, answers: Sequence[Mapping[str, Any]]) -> None:
    if not all(counts.output in one for one in answers):
        raise ValueError(
            "All answers must be of one model, because their outputs are "
            f"added up. Received: some without {counts.output}"
        )
    names = (SLICE_PROBABILITIES, counts.output)
    q, y = (np.concatenate([one[name] for one in answers]) for name in names)
    counts.add(q, y, [len(one[counts.output]) for one in answers])


def _merge(outcomes: Iterable[Outcome]) -> Outcome:
    """Merges what shards counted; after a failure, failures only."""
    found, passed, told = zip(*outcomes, strict=True)
    failures = sorted(itertools.chain.from_iterable(told))[:_MAX_FAILURES]
    if failures:
        return {}, sum(passed), failures
    merged: dict[str, TrafficCounts] = {}
    try:
        for start, counts in (pair for one in found for pair in one.items()):
            if start in merged:
                merged[start].merge(counts)
            else:
                merged[start] = copy.deepcopy(counts)
        if merged:
            merge_windows(merged)  # Refuses windows that are of other outputs.
    except ValueError as error:
        return {}, sum(passed), [str(error)]
    return merged, sum(passed), []


def _write(outcome: Outcome, path: str) -> None:
    windows, passed, failures = outcome
    counts = {start: one.to_dict() for start, one in windows.items()}
    paths.write_text(path, json.dumps([counts, passed, failures]))
