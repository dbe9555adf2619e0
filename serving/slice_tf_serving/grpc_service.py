"""The gRPC front: PredictionService and ModelService."""

import time
from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.arrivals import Arrivals
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import BY_NAME
from slice_tf_serving.inference import CLASSIFY, REGRESS
from slice_tf_serving.servable import Servable
from slice_tf_serving.service import SIGNATURE_DEF, Service, wanted
from slice_tf_serving.tensors import fill

_TEXT_BYTES = 1024
_TRUNCATED = "...TRUNCATED"
_STATUSES = {code.value[0]: code for code in grpc.StatusCode}


def add_services(server: Any, service: Service) -> None:
    """Registers both services with a `grpc.aio` server."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionServicer(service), _Announcing(server, service)
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelServicer(service), server
    )


class _Announcing:
    """Stands for a server, and counts calls before their message has come."""

    def __init__(self, server: Any, service: Service) -> None:
        self._server = server
        self._arrivals = service.manager.arrivals

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        self._server.add_generic_rpc_handlers(
            [_AnnouncedHandler(one, self._arrivals) for one in handlers]
        )

    def add_registered_method_handlers(self, *names: Any) -> None:
        """Does nothing, as in `grpc.aio`: generic handlers do for it."""


class _AnnouncedHandler(grpc.GenericRpcHandler):
    def __init__(self, handler: Any, arrivals: Arrivals) -> None:
        self._handler = handler
        self._arrivals = arrivals

    def service(self, details: Any) -> Any:
        self._arrivals.count += 1
        return self._handler.service(details)


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def Predict(  # noqa: N802 - the call's name
        self, request: Any, context: Any
    ) -> Any:
        return await self._answered(
            context, request, "Predict", self._predict(request)
        )

    async def Classify(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        response = classification_pb2.ClassificationResponse()
        answer = self._perform(request, CLASSIFY, response)
        return await self._answered(context, request, "Classify", answer)

    async def Regress(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        response = regression_pb2.RegressionResponse()
        answer = self._perform(request, REGRESS, response)
        return await self._answered(context, request, "Regress", answer)

    async def MultiInference(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await self._answered(
            context, request, "MultiInference", self._perform_all(request)
        )

    async def GetModelMetadata(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, self._metadata(request))

    async def _answered(
        self,
        context: Any,
        request: Any,
        api: str,
        answer: Coroutine[Any, Any, Any],
    ) -> Any:
        """Answers, and tells of it."""
        began, status = time.perf_counter(), "OK"
        try:
            return await answer
        except ApiError as error:
            status = error.code.name
            await _abort(context, error)
        except BaseException:
            status = Code.UNKNOWN.name
            raise
        finally:
            name = _model_of(request)
            model = name if name in self._service.manager.configs else ""
            telemetry = self._service.telemetry
            telemetry.answered(model, api, "GRPC", status, began)

    async def _predict(self, request: Any) -> Any:
        servable, signature, outputs = await self._service.predict(request)
        response = predict_pb2.PredictResponse()
        _name(response.model_spec, servable, signature)
        declared = servable.engine.signatures[signature].outputs
        for name, output in outputs.items():
            dtype = BY_NAME[declared[name].dtype]
            fill(response.outputs[name], output, dtype, content=False)
        return response

    async def _perform(self, request: Any, method: str, response: Any) -> Any:
        servable = self._service.manager.find(*wanted(request))
        signature = request.model_spec.signature_name or SERVING_DEFAULT
        result = await self._service.perform(
            servable, signature, method, request.input
        )
        response.result.CopyFrom(result)
        _name(response.model_spec, servable, signature)
        return response

    async def _perform_all(self, request: Any) -> Any:
        servable, results = await self._service.perform_all(request)
        response = inference_pb2.MultiInferenceResponse()
        for task, result in results:
            one = response.results.add()
            _name(one.model_spec, servable, task.signature)
            field = (
                one.classification_result
                if task.method == CLASSIFY
                else one.regression_result
            )
            field.CopyFrom(result)
        return response

    async def _metadata(self, request: Any) -> Any:
        spec = wanted(request)
        if not request.metadata_field:
            raise invalid(
                "GetModelMetadataRequest must specify at least one "
                "metadata_field"
            )
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        return self._service.metadata(spec)


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def GetModelStatus(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, self._status(request))

    async def HandleReloadConfigRequest(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, self._reload(request))

    async def _status(self, request: Any) -> Any:
        return self._service.status(wanted(request))

    async def _reload(self, request: Any) -> Any:
        await self._service.reload(request)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def _model_of(request: Any) -> str:
    """Returns the name of the model a request is for; empty at times."""
    if hasattr(request, "tasks"):
        return request.tasks[0].model_spec.name if request.tasks else ""
    name: str = request.model_spec.name
    return name


def _name(spec: Any, servable: Servable, signature: str) -> None:
    spec.name = servable.name
    spec.version.value = servable.version
    spec.signature_name = signature


async def _answered(context: Any, answer: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await answer
    except ApiError as error:
        await _abort(context, error)


async def _abort(context: Any, error: ApiError) -> NoReturn:
    text = error.text
    if len(text.encode()) > _TEXT_BYTES:
        kept = text.encode()[:_TEXT_BYTES]
        text = kept.decode(errors="ignore") + _TRUNCATED
    await context.abort(_STATUSES[error.code.number], text)
    raise error  # `abort` has raised.
