"""What a server tells of its requests: metrics, slices, a log."""

import time
from collections.abc import Mapping

from slice_tf.export.signatures import (
    EXPLAIN,
    SERVING_DEFAULT,
    SLICE_PROBABILITIES,
)
from slice_tf_serving import metrics as names
from slice_tf_serving.dtypes import Array
from slice_tf_serving.metrics import Metrics
from slice_tf_serving.request_log import RequestLog
from slice_tf_serving.servable import Servable

THRESHOLD = 0.5  # above it, an example counts as one of the slice


class Telemetry:
    """Counts requests and slices, and logs a sample.

    Args:
        watch_slices: Whether to count the slices of every request for the
            default signature, which then runs as `explain`.
        log: Where a sample of requests goes, if anywhere.
    """

    def __init__(
        self, watch_slices: bool = False, log: RequestLog | None = None
    ) -> None:
        self.metrics = Metrics()
        self._watch_slices = watch_slices
        self._log = log

    def is_watching(self, servable: Servable, signature: str) -> bool:
        """Tells whether `explain` is to be run in a signature's place."""
        if not self._watch_slices or signature != SERVING_DEFAULT:
            return False
        signatures = servable.engine.signatures
        default, explain = signatures.get(signature), signatures.get(EXPLAIN)
        if default is None or explain is None or not servable.slices:
            return False
        return (
            default.inputs.keys() == explain.inputs.keys()
            and default.outputs.keys() <= explain.outputs.keys()
        )

    def predicted(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array],
    ) -> None:
        """Takes note of an answer."""
        count = max(
            (len(one) for one in inputs.values() if one.ndim), default=1
        )
        labels = {"model_name": servable.name}
        self.metrics.observe(names.REQUEST_EXAMPLE_COUNTS, labels, count)
        self._count_slices(servable, outputs.get(SLICE_PROBABILITIES))
        if self._log is not None and self._log.is_sampled():
            model = servable.name, servable.version, signature
            self._log.add(model, inputs, outputs)

    def answered(
        self, model: str, api: str, entrypoint: str, status: str, began: float
    ) -> None:
        """Takes note of how a request ended.

        Args:
            model: Name of the model; empty for one that is not served.
            api: Such as `Predict`.
            entrypoint: `REST` or `GRPC`.
            status: Name of its code.
            began: When it came, of `time.perf_counter`.
        """
        count = {"model_name": model, "status": status}
        self.metrics.count(names.REQUEST_COUNT, count)
        labels = {"model_name": model, "API": api, "entrypoint": entrypoint}
        micros = 1e6 * (time.perf_counter() - began)
        self.metrics.observe(names.REQUEST_LATENCY, labels, micros)

    def loaded(self, servable: Servable, path: str) -> None:
        """Takes note of a version that is warm."""
        labels = {"model_path": path, "status": "OK"}
        micros = 1e6 * servable.warmup_seconds
        self.metrics.observe(names.WARMUP_LATENCY, labels, micros)

    def text(self) -> str:
        """Returns the metrics, as Prometheus scrapes them."""
        if self._log is not None:
            for status, number in (
                ("OK", self._log.num_logged),
                ("DROPPED", self._log.num_dropped),
            ):
                labels = {"status": status}
                self.metrics.set(names.REQUEST_LOG_COUNT, labels, number)
        return self.metrics.text()

    def close(self) -> None:
        """Writes what waits to be logged."""
        if self._log is not None:
            self._log.close()

    def _count_slices(
        self, servable: Servable, probabilities: Array | None
    ) -> None:
        if probabilities is None or probabilities.shape[1:] != (
            len(servable.slices),
        ):
            return
        version = {
            "model_name": servable.name,
            "version": str(servable.version),
        }
        self.metrics.count(names.WATCHED_EXAMPLES, version, len(probabilities))
        inside = (probabilities > THRESHOLD).sum(axis=0).tolist()
        sums = probabilities.sum(axis=0).tolist()
        for name, number, total in zip(
            servable.slices, inside, sums, strict=True
        ):
            labels = {**version, "slice": name}
            self.metrics.count(names.SLICE_EXAMPLES, labels, number)
            self.metrics.count(names.SLICE_PROBABILITY, labels, total)
