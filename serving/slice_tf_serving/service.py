"""Answers requests, whatever way they came."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slice_tf.export.signatures import EXPLAIN, SERVING_DEFAULT
from slice_tf_serving import inference
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_forms.answers import predictions
from slice_tf_serving.json_forms.requests import JsonRequest, parse
from slice_tf_serving.limits import Limits
from slice_tf_serving.model_config import configs_of
from slice_tf_serving.model_manager import ModelManager
from slice_tf_serving.outcomes import Done, tell_of
from slice_tf_serving.servable import Servable
from slice_tf_serving.specs import SignatureSpec
from slice_tf_serving.telemetry import Telemetry
from slice_tf_serving.tensors import decode_all

Find = Callable[[], Servable]


class Service:
    """What both fronts ask.

    Args:
        manager: The models.
        limits: How large a request may be.
        telemetry: What counts and logs requests.
        allow_reload: Whether a caller may replace the configuration. Whoever
            may can make the server load, and so run, any model.
    """

    def __init__(
        self,
        manager: ModelManager,
        limits: Limits,
        telemetry: Telemetry,
        allow_reload: bool = False,
    ) -> None:
        self.manager = manager
        self.telemetry = telemetry
        self.limits = limits
        self._allow_reload = allow_reload

    async def predict(
        self, request: Any
    ) -> tuple[Servable, str, Mapping[str, Array]]:
        """Answers a `PredictRequest`.

        Returns:
            What served it, the signature's name, and arrays by name.

        Raises:
            ApiError: If it is refused.
        """
        servable = self.manager.find(*wanted(request))
        name = request.model_spec.signature_name or SERVING_DEFAULT
        servable.check_names(name, request.inputs)
        inputs = decode_all(request.inputs, self.limits.elements)
        outputs = await self._run(
            servable,
            name,
            inputs,
            request.output_filter,
            is_logged=self.telemetry.is_sampled(),
        )
        return servable, name, outputs

    def predict_json(self, body: bytes, find: Find, done: Done) -> None:
        """Answers a predict request that came as JSON, in JSON.

        Args:
            body: The request.
            find: Returns what is to serve it; called once the body is read.
            done: Told of the answer.

        Raises:
            ApiError: If it is refused.
        """
        found: list[Servable] = []

        def signature(name: str) -> SignatureSpec:
            found.append(find())
            signatures = found[0].engine.signatures
            name = name or SERVING_DEFAULT
            if name not in signatures:
                raise invalid(
                    f'Serving signature name: "{name}" not found in '
                    "signature def"
                )
            return signatures[name]

        request = parse(body, signature, self.limits.elements)
        name, servable = request.signature or SERVING_DEFAULT, found[0]
        telemetry = self.telemetry
        is_logged = telemetry.is_sampled()
        if (
            not is_logged
            and servable.may_mix(name, request)
            and not telemetry.looks_into(servable, name)
        ):
            servable.predict_json(name, request, done)
            telemetry.counted(servable, len(request.rows or ()))
            return
        tell_of(self._predict_alone(servable, name, request, is_logged), done)

    async def _predict_alone(
        self,
        servable: Servable,
        name: str,
        request: JsonRequest,
        is_logged: bool,
    ) -> bytes:
        """Answers a request whose arrays are looked into."""
        outputs = await self._run(
            servable, name, request.arrays(), is_logged=is_logged
        )
        return predictions(outputs, request.is_row)

    async def perform(
        self, servable: Servable, signature: str, method: str, message: Any
    ) -> Any:
        """Classifies or regresses.

        Args:
            servable: What is to serve it.
            signature: Name of the signature; empty for the default.
            method: `inference.CLASSIFY` or `inference.REGRESS`.
            message: A `tensorflow.serving.Input`.

        Returns:
            A `ClassificationResult` or `RegressionResult`.

        Raises:
            ApiError: If the request is refused.
        """
        signatures = servable.engine.signatures
        name = signature or SERVING_DEFAULT
        task = inference.Task.of(signatures, name, method)
        return await self._result(servable, task, message)

    async def perform_all(self, request: Any) -> tuple[Servable, list[Any]]:
        """Answers a `MultiInferenceRequest`.

        Returns:
            What served it, and for each task its signature's name and its
            result.

        Raises:
            ApiError: If the request is refused.
        """
        first = next(iter(request.tasks), None)
        if first is None:
            raise invalid("ModelSpec has no name specified.")
        servable = self.manager.find(*wanted(first))
        tasks = inference.tasks_of(servable.engine.signatures, request)
        return servable, [
            (task, await self._result(servable, task, request.input))
            for task in tasks
        ]

    async def reload(self, message: Any) -> None:
        """Answers a `ReloadConfigRequest`.

        Raises:
            ApiError: If the configuration is refused, or may not be replaced.
        """
        configs = configs_of(message.config, self.manager.configs)
        if not self._allow_reload:
            raise ApiError(
                Code.PERMISSION_DENIED,
                "This server's configuration cannot be replaced by a request.",
            )
        await self.manager.reload(configs)

    async def _run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] = (),
        *,
        is_logged: bool,
    ) -> Mapping[str, Array]:
        """Runs a signature, and tells of it."""
        telemetry = self.telemetry
        if not telemetry.is_watching(servable, signature):
            answer = await servable.predict(signature, inputs, outputs)
            telemetry.predicted(servable, signature, inputs, answer, is_logged)
            return answer
        servable.engine.check(signature, inputs, outputs)
        answer = await servable.predict(EXPLAIN, inputs)
        telemetry.predicted(servable, signature, inputs, answer, is_logged)
        declared = servable.engine.signatures[signature].outputs
        return {name: answer[name] for name in outputs or declared}

    async def _result(
        self, servable: Servable, task: inference.Task, message: Any
    ) -> Any:
        column = inference.examples_of(message)
        outputs = await servable.run(task.signature, {task.input: column})
        result = task.result(outputs, len(column))
        inputs = {task.input: column}
        telemetry = self.telemetry
        telemetry.predicted(
            servable, task.signature, inputs, outputs, telemetry.is_sampled()
        )
        return result


def wanted(request: Any) -> tuple[str, int | None, str]:
    """Returns name, version and label of the model a request is for.

    Raises:
        ApiError: If it names none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label
