"""The transform that counts predictions per slice."""

from typing import Any

import apache_beam as beam

from slice_tf_beam.predictions import (
    BATCH,
    Counts,
    PredictionSpec,
    count_predictions,
)


@beam.typehints.with_input_types(bytes)
class EvaluateSlices(beam.PTransform):
    """Counts records of predictions into one evaluator.

    All slices are counted in one pass over the records, without a key or a
    shuffle a slice; a worker sends one accumulator, whose size does not
    depend on the number of records. Yields one `Evaluator`, with the results
    of the same arrays in memory, to the last bit; of several labels one
    `LabelEvaluator`, of predicted numbers one `RegressionCounts`; none where a
    window is empty.

    Args:
        spec: What every record holds.
    """

    def __init__(self, spec: PredictionSpec) -> None:
        super().__init__()
        self._spec = spec

    def expand(self, records: beam.PCollection[bytes]) -> Any:
        count = beam.CombineGlobally(CountPredictions(self._spec))
        return records | "CountPredictions" >> count.without_defaults()


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(Any)
class CountPredictions(beam.CombineFn):
    """Counts records in batches: an accumulator and what waits for it."""

    def __init__(self, spec: PredictionSpec) -> None:
        super().__init__()
        self._spec = spec

    def create_accumulator(self) -> tuple[Counts, list[bytes]]:
        return self._spec.evaluator(), []

    def add_input(
        self, accumulator: tuple[Counts, list[bytes]], record: bytes
    ) -> tuple[Counts, list[bytes]]:
        evaluator, waiting = accumulator
        waiting.append(record)
        if len(waiting) >= BATCH:
            self._count(evaluator, waiting)
        return accumulator

    def merge_accumulators(
        self, accumulators: Any
    ) -> tuple[Counts, list[bytes]]:
        merged, waiting = self.create_accumulator()
        for evaluator, more in accumulators:
            merged.merge(evaluator)
            waiting += more
        if len(waiting) >= BATCH:
            self._count(merged, waiting)
        return merged, waiting

    def compact(
        self, accumulator: tuple[Counts, list[bytes]]
    ) -> tuple[Counts, list[bytes]]:
        self._count(*accumulator)
        return accumulator

    def extract_output(self, accumulator: tuple[Counts, list[bytes]]) -> Counts:
        self._count(*accumulator)
        return accumulator[0]

    def _count(self, evaluator: Counts, waiting: list[bytes]) -> None:
        if waiting:
            count_predictions(evaluator, waiting, self._spec)
            waiting.clear()
