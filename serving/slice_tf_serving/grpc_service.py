"""The gRPC front: PredictionService and ModelService."""

from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import BY_NAME
from slice_tf_serving.service import Service
from slice_tf_serving.tensors import encode

_METADATA_FIELD = "signature_def"
_TEXT_BYTES = 1024
_TRUNCATED = "...TRUNCATED"
_STATUSES = {code.value[0]: code for code in grpc.StatusCode}


def add_services(server: Any, service: Service) -> None:
    """Registers both services with a `grpc.aio` server."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionServicer(service), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelServicer(service), server
    )


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other calls are not implemented.

    Args:
        service: The model.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def Predict(  # noqa: N802 - the call's name
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, lambda: self._predict(request))

    async def GetModelMetadata(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, lambda: self._metadata(request))

    async def Classify(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        await _abort(context, _unimplemented("Classify"))

    async def Regress(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        await _abort(context, _unimplemented("Regress"))

    async def MultiInference(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        await _abort(context, _unimplemented("MultiInference"))

    def _predict(self, request: Any) -> Any:
        service, spec = self._service, request.model_spec
        engine = service.find(*_wanted(request))
        outputs = service.predict(
            engine,
            spec.signature_name,
            service.decoded(request.inputs),
            request.output_filter,
        )
        response = predict_pb2.PredictResponse()
        signature = spec.signature_name or SERVING_DEFAULT
        response.model_spec.name = spec.name
        response.model_spec.version.value = service.version
        response.model_spec.signature_name = signature
        declared = engine.signatures[signature].outputs
        for name, output in outputs.items():
            dtype = BY_NAME[declared[name].dtype]
            proto = encode(output, dtype, content=False)
            response.outputs[name].CopyFrom(proto)
        return response

    def _metadata(self, request: Any) -> Any:
        if not request.metadata_field:
            raise invalid(
                "GetModelMetadataRequest must specify at least one "
                "metadata_field"
            )
        for field in request.metadata_field:
            if field != _METADATA_FIELD:
                raise invalid(f"Metadata field {field} is not supported")
        engine = self._service.find(*_wanted(request))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, one in engine.signature_defs.items():
            signatures.signature_def[name].CopyFrom(one)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = self._service.version
        response.metadata[_METADATA_FIELD].Pack(signatures)
        return response


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus; configurations are not reloaded.

    Args:
        service: The model.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def GetModelStatus(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        return await _answered(context, lambda: self._status(request))

    async def HandleReloadConfigRequest(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        await _abort(context, _unimplemented("HandleReloadConfigRequest"))

    def _status(self, request: Any) -> Any:
        name, version, _ = _wanted(request)
        self._service.check_known(name, version)
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(
            version=self._service.version,
            state=get_model_status_pb2.ModelVersionStatus.AVAILABLE,
        ).status.SetInParent()
        return response


def _wanted(request: Any) -> tuple[str, int | None, str]:
    """Returns name, version and label of the model a request is for."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label


async def _answered(context: Any, answer: Callable[[], Any]) -> Any:
    try:
        return answer()
    except ApiError as error:
        await _abort(context, error)


async def _abort(context: Any, error: ApiError) -> NoReturn:
    text = error.text
    if len(text.encode()) > _TEXT_BYTES:
        kept = text.encode()[: _TEXT_BYTES - len(_TRUNCATED)]
        text = kept.decode(errors="ignore") + _TRUNCATED
    await context.abort(_STATUSES[error.code.number], text)
    raise error  # `abort` has raised.


def _unimplemented(call: str) -> ApiError:
    return ApiError(Code.UNIMPLEMENTED, f"{call} is not served here.")
