"""What a server tells of its requests: metrics, slices, a log."""

import time
from collections.abc import Mapping

from slice_tf.export.signatures import (
    EXPLAIN,
    SERVING_DEFAULT,
    SLICE_PROBABILITIES,
)
from slice_tf_serving import metrics as names
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import Array
from slice_tf_serving.metrics import Counter, Histogram, Metrics, added
from slice_tf_serving.request_log import RequestLog
from slice_tf_serving.servable import Servable
from slice_tf_serving.shared_files import SharedFiles

_OK = Code.OK.name
_End = tuple[str, str, str, str]  # model, API, entry point, status

THRESHOLD = 0.5  # above it, an example counts as one of the slice


class Telemetry:
    """Counts requests and slices, and logs a sample.

    Args:
        watch_slices: Whether to count the slices of every request for the
            default signature, which then runs as `explain`.
        log: Where a sample of requests goes, if anywhere.
        shared: What other processes tell that serve at the same ports. Of one
            that has ended it stays in the sums, so that they never fall.
    """

    def __init__(
        self,
        watch_slices: bool = False,
        log: RequestLog | None = None,
        shared: SharedFiles | None = None,
    ) -> None:
        self.metrics = Metrics()
        self._ends: dict[_End, tuple[Counter, Histogram]] = {}
        self._sizes: dict[str, Histogram] = {}
        self._watch_slices = watch_slices
        self._log = log
        self._shared = shared or SharedFiles(None, "metrics")

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

    def is_sampled(self) -> bool:
        """Tells whether the next request is to be logged."""
        return self._log is not None and self._log.is_sampled()

    def looks_into(self, servable: Servable, signature: str) -> bool:
        """Tells whether answers of a signature are looked into.

        Of others it is enough to count the examples.
        """
        outputs = servable.engine.signatures[signature].outputs
        return SLICE_PROBABILITIES in outputs or self.is_watching(
            servable, signature
        )

    def counted(self, servable: Servable, num_examples: int) -> None:
        """Takes note of the size of a request."""
        sizes = self._sizes.get(servable.name)
        if sizes is None:
            sizes = self._sizes[servable.name] = self.metrics.histogram(
                names.REQUEST_EXAMPLE_COUNTS, {"model_name": servable.name}
            )
        sizes.observe(num_examples)

    def predicted(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array],
        is_logged: bool,
    ) -> None:
        """Takes note of a request and its answer."""
        sizes = [len(one) for one in inputs.values() if one.ndim]
        self.counted(servable, max(sizes, default=1))
        if SLICE_PROBABILITIES in outputs:
            self._count_slices(servable, outputs[SLICE_PROBABILITIES])
        if is_logged and self._log is not None:
            model = servable.name, servable.version, signature
            self._log.add(model, inputs, outputs)

    def answered(
        self, model: str, api: str, entrypoint: str, status: str, began: float
    ) -> None:
        """Takes note of how a request ended, as TensorFlow Serving does.

        Args:
            model: Name of the model; empty for one that is not served.
            api: Such as `Predict`; in small letters where it came over REST.
            entrypoint: `REST` or `GRPC`.
            status: Name of its code.
            began: When it came, of `time.perf_counter`.
        """
        key = model, api, entrypoint, status
        if key not in self._ends:
            self._ends[key] = self._end(*key)
        count, latency = self._ends[key]
        count.value += 1
        if status == _OK:
            latency.observe(1e6 * (time.perf_counter() - began))

    def loaded(self, servable: Servable, path: str) -> None:
        """Takes note of a version that is warm."""
        labels = {"model_path": path, "status": "OK"}
        micros = 1e6 * servable.warmup_seconds
        self.metrics.histogram(names.WARMUP_LATENCY, labels).observe(micros)

    def share(self) -> None:
        """Leaves the metrics for the other processes."""
        self._shared.leave(self._own_text())

    def text(self) -> str:
        """Returns the metrics of all processes, as Prometheus scrapes them."""
        return added([self._own_text(), *self._shared.others()])

    def _own_text(self) -> str:
        if self._log is not None:
            for status, number in (
                ("OK", self._log.num_logged),
                ("DROPPED", self._log.num_dropped),
            ):
                labels = {"status": status}
                count = self.metrics.counter(names.REQUEST_LOG_COUNT, labels)
                count.value = number
        return self.metrics.text()

    def close(self) -> None:
        """Writes what waits to be logged, and a last word to the others."""
        if self._log is not None:
            self._log.close()
        self.share()

    def _end(
        self, model: str, api: str, entrypoint: str, status: str
    ) -> tuple[Counter, Histogram]:
        """Returns what counts one way that requests end."""
        labels = {"model_name": model, "API": api, "entrypoint": entrypoint}
        count = {"model_name": model, "status": status}
        return (
            self.metrics.counter(names.REQUEST_COUNT, count),
            self.metrics.histogram(names.REQUEST_LATENCY, labels),
        )

    def _count_slices(self, servable: Servable, probabilities: Array) -> None:
        if probabilities.shape[1:] != (len(servable.slices),):
            return
        counter = self.metrics.counter
        version = {
            "model_name": servable.name,
            "version": str(servable.version),
        }
        counter(names.WATCHED_EXAMPLES, version).value += len(probabilities)
        inside = (probabilities > THRESHOLD).sum(axis=0).tolist()
        sums = probabilities.sum(axis=0).tolist()
        for name, number, total in zip(
            servable.slices, inside, sums, strict=True
        ):
            labels = {**version, "slice": name}
            counter(names.SLICE_EXAMPLES, labels).value += number
            counter(names.SLICE_PROBABILITY, labels).value += total
