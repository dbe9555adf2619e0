"""Answers requests, whatever way they came."""

from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
)

from slice_tf.export.signatures import EXPLAIN, SERVING_DEFAULT
from slice_tf_serving import inference
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_forms.answers import predictions
from slice_tf_serving.json_forms.document import read_document
from slice_tf_serving.json_forms.requests import JsonRequest, read_request
from slice_tf_serving.limits import Limits
from slice_tf_serving.model_config import check_config, configs_of
from slice_tf_serving.model_manager import ModelManager
from slice_tf_serving.outcomes import Done, tell_of
from slice_tf_serving.servable import Servable
from slice_tf_serving.telemetry import Telemetry
from slice_tf_serving.tensors import decode_all

SIGNATURE_DEF = "signature_def"  # the only field of metadata there is

Wanted = tuple[str, int | None, str | None]


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
        protos = servable.complete(name, request.inputs)
        inputs = decode_all(protos, self.limits.elements)
        outputs = await self._run(
            servable,
            name,
            inputs,
            request.output_filter,
            is_logged=self.telemetry.is_sampled(),
        )
        return servable, name, outputs

    def predict_json(self, body: bytes, spec: Wanted, done: Done) -> None:
        """Answers a predict request that came as JSON, in JSON.

        Args:
            body: The request.
            spec: Which model is to serve it.
            done: Told of the answer.

        Raises:
            ApiError: If it is refused.
        """
        document, name = read_document(body, self.limits.elements)
        servable, name = self.manager.find(*spec), name or SERVING_DEFAULT
        signature = servable.engine.signatures.get(name)
        if signature is None:
            raise invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        request = read_request(document, signature, body)
        telemetry = self.telemetry
        is_logged = telemetry.is_sampled()
        if (
            not is_logged
            and servable.batcher.may_mix(name, request)
            and not telemetry.looks_into(servable, name)
        ):
            servable.batcher.run_json(name, request, done)
            telemetry.counted(servable, request.num_rows)
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
        if not request.tasks:
            raise invalid("ModelSpec has no name specified.")
        servable = self.manager.find(*_named(request.tasks[0].model_spec))
        tasks = inference.tasks_of(servable.engine.signatures, request)
        return servable, [
            (task, await self._result(servable, task, request.input))
            for task in tasks
        ]

    def metadata(self, spec: Wanted) -> Any:
        """Returns the `GetModelMetadataResponse` of a model.

        Raises:
            ApiError: If there is no such model.
        """
        servable = self.manager.find_agreed(*spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, one in servable.engine.signature_defs.items():
            signatures.signature_def[name].CopyFrom(one)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    def status(self, spec: Wanted) -> Any:
        """Returns the `GetModelStatusResponse` of a model.

        Raises:
            ApiError: If there is no such model, or version.
        """
        name, version, _ = spec
        response = get_model_status_pb2.GetModelStatusResponse()
        names = get_model_status_pb2.ModelVersionStatus.State
        for number, state in self.manager.states(name, version):
            one = response.model_version_status.add(
                version=number, state=names.Value(state.state)
            )
            one.status.SetInParent()
            if state.error:
                one.status.error_code = Code.UNKNOWN.number
                one.status.error_message = state.error
        return response

    async def reload(self, message: Any) -> None:
        """Answers a `ReloadConfigRequest`.

        Raises:
            ApiError: If the configuration is refused, or may not be replaced.
        """
        check_config(message.config, self.manager.configs)
        for model in message.config.model_config_list.config:
            self.manager.check_labels(model.name, model.version_labels)
        configs = configs_of(message.config)
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
            answer = await servable.batcher.run(signature, inputs, outputs)
            telemetry.predicted(servable, signature, inputs, answer, is_logged)
            return answer
        servable.engine.check(signature, inputs, outputs)
        answer = await servable.batcher.run(EXPLAIN, inputs)
        telemetry.predicted(servable, signature, inputs, answer, is_logged)
        declared = servable.engine.signatures[signature].outputs
        return {name: answer[name] for name in outputs or declared}

    async def _result(
        self, servable: Servable, task: inference.Task, message: Any
    ) -> Any:
        column = inference.examples_of(message)
        inputs = {task.input: column}
        outputs = await servable.batcher.run(task.signature, inputs)
        result = task.result(outputs, len(column))
        telemetry = self.telemetry
        telemetry.predicted(
            servable, task.signature, inputs, outputs, telemetry.is_sampled()
        )
        return result


def wanted(request: Any) -> Wanted:
    """Returns name, version and label of the model a request is for.

    Raises:
        ApiError: If it names none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return _named(request.model_spec)


def _named(spec: Any) -> Wanted:
    choice = spec.WhichOneof("version_choice")
    return (
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )
