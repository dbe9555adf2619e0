"""The job behind `slice-tf evaluate --predictions`."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics

from slice_tf.data import read_records
from slice_tf.evaluation import Results
from slice_tf.evaluation.labels import label_files, label_names
from slice_tf.schema import FILE_NAME, SliceSchema
from slice_tf_beam import paths
from slice_tf_beam.options import make_options
from slice_tf_beam.over_shards import run_over_shards
from slice_tf_beam.predictions import (
    BATCH,
    Counts,
    PredictionFeatures,
    PredictionSpec,
    count_predictions,
)
from slice_tf_beam.shards import Shard, list_shards

# What was counted, and why shards could not be.
Outcome = tuple[Counts, list[str]]

_MAX_FAILURES = 20
_USER_ERRORS = (ValueError, TypeError, OSError)


def evaluate_predictions(
    predictions: str,
    output: str,
    *,
    schema_dir: str | None = None,
    features: PredictionFeatures | None = None,
    label_index: int | None = None,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
) -> list[Results]:
    """Evaluates TFRecords of predictions and writes results.json.

    Of several labels all are evaluated in one pass, and their results are
    written as `slice_tf.evaluation.load_labels` reads them.

    A worker counts whole shards and sends what it counted; nothing is
    shuffled by slice, and memory does not grow with the data. The results
    are those of the same arrays in memory, to the last bit; of predicted
    numbers, to the last digits.

    Args:
        predictions: TFRecord files: a path, a directory or a pattern.
        output: Where to write the results; of several labels, a directory.
        schema_dir: Directory with `slices.json`; by default that of the
            predictions.
        features: Names of the features of a prediction.
        label_index: Which label to evaluate, where records hold several; all
            of them where it is None.
        num_workers: Processes on this machine.
        pipeline_options: Beam's own flags.

    Returns:
        The results; of several labels, one of each.

    Raises:
        ValueError: If there are no predictions or no schema, or a record is
            no prediction; the message names the file.
        OSError: If a file cannot be read or written.
    """
    shards = list_shards(predictions)
    options = make_options(pipeline_options, num_workers)
    schema = _schema(schema_dir or paths.directory_of(shards[0].path))
    features = features or PredictionFeatures()
    spec = _spec(shards, schema, features, label_index)
    target = paths.absolute(output)
    num_labels = len(spec.labels or (0,))
    if paths.is_local(target):
        label_files(target, num_labels)
    report = paths.temporary(paths.directory_of(target), "evaluation")
    try:
        run_over_shards(
            shards,
            options,
            "CountShards" >> beam.ParDo(_CountShard(spec)),
            "MergeCounts"
            >> beam.CombineGlobally(_MergeCounts(spec)).without_defaults(),
            "WriteResults" >> beam.Map(_write, report, predictions),
        )
        values = paths.read_json(report)
    finally:
        paths.discard([report])
    if values["failures"]:
        raise ValueError(values["failures"][0])
    files = [target]
    if num_labels > 1:
        files = [paths.join(target, name) for name in label_names(num_labels)]
    for file, one in zip(files, values["results"], strict=True):
        paths.write_text(file, json.dumps(one, indent=1) + "\n")
    return [Results.from_dict(one) for one in values["results"]]


def _schema(directory: str) -> SliceSchema:
    path = paths.join(directory, FILE_NAME)
    if not paths.exists(path):
        raise ValueError(
            "Predictions must lie beside the schema of their slices, or a "
            f"schema be named. Received: missing={path}. `slice-tf apply` "
            "writes one; pass its directory as the schema."
        )
    return SliceSchema.from_dict(paths.read_json(path))


def _spec(
    shards: Sequence[Shard],
    schema: SliceSchema,
    features: PredictionFeatures,
    label_index: int | None,
) -> PredictionSpec:
    """Returns the spec of the first record there is."""
    for shard in shards:
        for record in _records(shard):
            return PredictionSpec.of(record, schema, features, label_index)
    raise ValueError(
        "There must be at least one prediction to evaluate. Received: "
        f"files={len(shards)}, all of them empty"
    )


def _records(shard: Shard) -> Iterator[bytes]:
    with paths.open_to_read(shard.path) as stream:
        yield from read_records(stream, shard.path)


class _CountShard(beam.DoFn):
    """Counts a shard; what data causes is a text and no exception."""

    def __init__(self, spec: PredictionSpec) -> None:
        super().__init__()
        self._spec = spec
        self._examples = Metrics.counter("slice_tf", "predictions")

    def process(self, shard: Shard) -> Iterator[Outcome]:
        evaluator = self._spec.evaluator()
        failures, start = [], 0
        try:
            records = _records(shard)
            while batch := list(itertools.islice(records, BATCH)):
                count_predictions(evaluator, batch, self._spec)
                self._examples.inc(len(batch))
                start += len(batch)
        except _USER_ERRORS as error:
            # Rows are told from there on.
            where = f", from record {start}" if start else ""
            failures.append(shard.named(str(error), where))
        yield evaluator, failures


class _MergeCounts(beam.CombineFn):
    """Merges what shards counted; after a failure, failures only."""

    def __init__(self, spec: PredictionSpec) -> None:
        super().__init__()
        self._spec = spec

    def create_accumulator(self) -> Outcome:
        return self._spec.evaluator(), []

    def add_input(self, merged: Outcome, outcome: Outcome) -> Outcome:
        evaluator, failures = merged
        failures = sorted([*failures, *outcome[1]])[:_MAX_FAILURES]
        if not failures:
            evaluator.merge(outcome[0])  # type: ignore[arg-type]
        return evaluator, failures

    def merge_accumulators(self, outcomes: Iterable[Outcome]) -> Outcome:
        merged = self.create_accumulator()
        for outcome in outcomes:
            merged = self.add_input(merged, outcome)
        return merged

    def extract_output(self, merged: Outcome) -> Outcome:
        return merged


def _write(outcome: Outcome, path: str, data_path: str) -> None:
    evaluator, failures = outcome
    results = []
    if not failures:
        found = evaluator.results(data_path=data_path)
        results = found if isinstance(found, list) else [found]
    values = {
        "failures": failures,
        "results": [one.to_dict() for one in results],
    }
    paths.write_text(path, json.dumps(values))
