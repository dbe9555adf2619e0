"""One version of a model, loaded and warm."""

import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from slice_tf.export.signatures import SERVING_DEFAULT, SLICES_FILE
from slice_tf.schema import SliceSchema
from slice_tf_serving import inference
from slice_tf_serving.arrivals import Arrivals
from slice_tf_serving.batcher import Batcher
from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.engine import Engine, check_names
from slice_tf_serving.limits import Limits
from slice_tf_serving.tensors import decode_all
from slice_tf_serving.warmup import read_warmup


class Servable:
    """Answers for one version.

    Args:
        name: Name of the model.
        version: Number of the version.
        directory: Its SavedModel.
        limits: How large a request may be.
        arrivals: Told of requests that are on their way.
        threads: Threads that one operation may use; see `Engine`.

    Attributes:
        engine: What runs it.
        batcher: What runs requests for it that wait together.
        slices: Names of the slices it tells apart, in the order of its
            outputs; none for other models.
        num_warmup_requests: How many it answered before.
        warmup_seconds: How long that took.

    Raises:
        ValueError: If the version cannot be loaded, or fails a warm-up
            request.
    """

    def __init__(
        self,
        name: str,
        version: int,
        directory: pathlib.Path,
        limits: Limits,
        arrivals: Arrivals | None = None,
        threads: int = 1,
    ) -> None:
        self.name = name
        self.version = version
        self.engine = Engine(directory, threads)
        self.slices = _slices(directory)
        self._limits = limits
        self.batcher = Batcher(self.engine, limits.waiting, arrivals)
        try:
            self.num_warmup_requests = self._replay(directory)
        except BaseException:
            self.engine.close()
            raise

    def complete(
        self, signature: str, inputs: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Returns tensors with the signature's defaults for those left out.

        Args:
            signature: Name of the signature.
            inputs: Tensor protos by name, whose values are not looked at.

        Raises:
            ApiError: If there is no such signature, or names are wrong.
        """
        spec = self.engine.signatures.get(signature)
        if spec is None:
            raise ApiError(
                Code.FAILED_PRECONDITION,
                f'Serving signature key "{signature}" not found.',
            )
        if defaults := self.engine.signature_defs[signature].defaults:
            inputs = {**defaults, **inputs}
        check_names(spec, inputs)
        return inputs

    def close(self) -> None:
        """Frees the model's memory."""
        self.engine.close()

    def _replay(self, directory: pathlib.Path) -> int:
        """Runs the version's warm-up requests and returns their number."""
        began = time.monotonic()
        logs = read_warmup(directory)
        for position, log in enumerate(logs):
            kind = log.WhichOneof("log_type")
            try:
                _REPLAY[kind](self, getattr(log, kind).request)
            except ApiError as error:
                raise ValueError(
                    "A version must answer its warm-up requests to be served. "
                    f"Received: version={directory}, request={position}, "
                    f"kind={kind}, error={error.text}"
                ) from error
        self.warmup_seconds = time.monotonic() - began
        return len(logs)

    def _replay_predict(self, request: Any) -> None:
        name = request.model_spec.signature_name or SERVING_DEFAULT
        protos = self.complete(name, request.inputs)
        inputs = decode_all(protos, self._limits.elements)
        self.engine.run(name, inputs, request.output_filter)

    def _replay_task(self, kind: str, request: Any) -> None:
        name = request.model_spec.signature_name or SERVING_DEFAULT
        task = inference.Task.of(self.engine.signatures, name, kind)
        column = inference.examples_of(request.input)
        task.result(self.engine.run(name, {task.input: column}), len(column))

    def _replay_multi(self, request: Any) -> None:
        tasks = inference.tasks_of(self.engine.signatures, request)
        column = inference.examples_of(request.input)
        for task in tasks:
            outputs = self.engine.run(task.signature, {task.input: column})
            task.result(outputs, len(column))


def _slices(directory: pathlib.Path) -> tuple[str, ...]:
    """Returns the names of a model's slices, if it is one of ours."""
    try:
        schema = SliceSchema.load((directory / SLICES_FILE).parent)
    except (FileNotFoundError, ValueError):
        return ()
    return tuple(schema.names)


_REPLAY: dict[str, Callable[[Servable, Any], None]] = {
    "predict_log": Servable._replay_predict,
    "classify_log": lambda servable, request: servable._replay_task(
        inference.CLASSIFY, request
    ),
    "regress_log": lambda servable, request: servable._replay_task(
        inference.REGRESS, request
    ),
    "multi_inference_log": Servable._replay_multi,
}
