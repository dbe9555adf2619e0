"""The transform that adds slice membership to records."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import WindowedValue

from slice_tf.slicing import SlicingFunction, Votes, schema_of
from slice_tf_beam.functions import (
    fingerprint_of,
    load_functions,
    load_same,
    portable,
)
from slice_tf_beam.records import add_membership
from slice_tf_beam.spans import SPAN, SPAN_BYTES


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(bytes)
class ApplySlicingFunctions(beam.PTransform):
    """Adds slice membership to serialized `tf.train.Example`s.

    Each record gets one more feature, `slices/membership`: int64 of shape
    `[slices]`, in the order of the functions. Where a function fails, its
    membership is 0 and a second feature, `slices/unknown`, is 1. Timestamps,
    windows and panes are kept; records are the same to the byte as those of
    `apply_slicing_functions`, which is faster on files. A record that is no
    example fails its bundle.

    Counts, in namespace `slice_tf`: `examples` and `unknown/<slice>`.

    Args:
        functions: Import paths of slicing functions: `module`,
            `module:attribute`, `file.py` or `file.py:attribute`.

    Raises:
        TypeError: If `functions` is one string.
        ValueError: If a path leads to no slicing function, or two name the
            same slice.
    """

    def __init__(self, functions: Sequence[str]) -> None:
        super().__init__()
        loaded = load_functions(functions)
        self.schema = schema_of(loaded)
        self._import_paths = tuple(map(portable, functions))
        self._fingerprint = fingerprint_of(loaded)

    def expand(
        self, examples: beam.PCollection[bytes]
    ) -> beam.PCollection[bytes]:
        function = AddMembership(self._import_paths, self._fingerprint)
        return examples | "AddMembership" >> beam.ParDo(function)

    def display_data(self) -> dict[str, Any]:
        return {
            "functions": ", ".join(self._import_paths),
            "slices": ", ".join(self.schema.names),
        }


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(bytes)
class AddMembership(beam.DoFn):
    """Adds membership to many records at once, within a bundle.

    Args:
        import_paths: Where the slicing functions are.
        fingerprint: What they must be.
    """

    def __init__(self, import_paths: tuple[str, ...], fingerprint: str) -> None:
        super().__init__()
        self._import_paths = import_paths
        self._fingerprint = fingerprint
        self._functions: tuple[SlicingFunction, ...] = ()
        self._waiting: list[WindowedValue] = []
        self._num_bytes = 0

    def setup(self) -> None:
        self._functions = load_same(self._import_paths, self._fingerprint)

    def start_bundle(self) -> None:
        self._waiting, self._num_bytes = [], 0

    def process(
        self,
        record: bytes,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
        pane: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[WindowedValue]:
        self._waiting.append(WindowedValue(record, timestamp, (window,), pane))
        self._num_bytes += len(record)
        if len(self._waiting) >= SPAN or self._num_bytes > SPAN_BYTES:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        yield from self._flush()

    def _flush(self) -> Iterator[WindowedValue]:
        waiting, self._waiting, self._num_bytes = self._waiting, [], 0
        if not waiting:
            return
        records = [one.value for one in waiting]
        sliced, votes = add_membership(records, self._functions)
        self._count(votes)
        for one, record in zip(waiting, sliced, strict=True):
            yield one.with_value(record)

    def _count(self, votes: Votes) -> None:
        _counter("examples").inc(len(votes.membership))
        for function, failed in zip(
            self._functions, votes.unknown.sum(axis=0).tolist(), strict=True
        ):
            if failed:
                _counter(f"unknown/{function.name}").inc(failed)


@functools.cache
def _counter(name: str) -> Any:
    return Metrics.counter("slice_tf", name)
