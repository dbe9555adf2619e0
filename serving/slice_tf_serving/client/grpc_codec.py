"""Requests and answers of gRPC, as a client writes and reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf_serving.client.api_messages import STATES, message
from slice_tf_serving.client.errors import ServerError
from slice_tf_serving.client.target import Target
from slice_tf_serving.client.transport import Call, Metadata, VersionStatus
from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.dtypes import BY_NAME, BY_NUMBER, Array
from slice_tf_serving.specs import INTERNAL, SignatureSpec, TensorSpec
from slice_tf_serving.tensors import decode, fill

_PREDICTION = "/tensorflow.serving.PredictionService"
_MODEL = "/tensorflow.serving.ModelService"
_FIELD = "signature_def"
_MAX_ELEMENTS = 1 << 40  # The server is trusted to give what it has.


class GrpcCodec:
    """Speaks of one model.

    Args:
        target: The model.
        url: Of the server, for errors.
    """

    def __init__(self, target: Target, url: str) -> None:
        self._target = target
        self._url = url

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
    ) -> Call[dict[str, Array]]:
        request = self._named("PredictRequest")
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            dtype = BY_NAME[spec.inputs[name].dtype]
            fill(request.inputs[name], array, dtype, content=True)
        request.output_filter.extend(outputs)
        return Call(
            f"{_PREDICTION}/Predict",
            request.SerializeToString(),
            self._read_outputs,
        )

    def metadata(self) -> Call[Metadata]:
        request = self._named("MetadataRequest")
        request.metadata_field.append(_FIELD)
        return Call(
            f"{_PREDICTION}/GetModelMetadata",
            request.SerializeToString(),
            _read_metadata,
        )

    def status(self) -> Call[list[VersionStatus]]:
        request = self._named("StatusRequest")
        return Call(
            f"{_MODEL}/GetModelStatus",
            request.SerializeToString(),
            _read_status,
        )

    def _named(self, name: str) -> Any:
        request, target = message(name)(), self._target
        spec = request.model_spec
        spec.name = target.model
        if target.version is not None:
            spec.version.value = target.version
        if target.label is not None:
            spec.version_label = target.label
        return request

    def _read_outputs(self, body: bytes) -> dict[str, Array]:
        response = message("PredictResponse").FromString(body)
        try:
            return {
                name: np.array(decode(proto, name, _MAX_ELEMENTS))
                for name, proto in sorted(response.outputs.items())
            }
        except ApiError as error:
            raise ServerError(
                "A server's answer must hold well-formed tensors. "
                f"Received: url={self._url}, error={error.text}",
                Code.INTERNAL,
            ) from error


def _read_metadata(body: bytes) -> Metadata:
    response = message("MetadataResponse").FromString(body)
    packed = response.metadata[_FIELD].value
    signatures = message("SignatureDefMap").FromString(packed).signature_def
    return Metadata(
        response.model_spec.name,
        response.model_spec.version.value,
        {
            name: SignatureSpec(_tensors(one.inputs), _tensors(one.outputs))
            for name, one in sorted(signatures.items())
            if not name.startswith(INTERNAL)
        },
    )


def _tensors(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(_dtype(one.dtype), _shape(one.tensor_shape), one.name)
        for name, one in sorted(infos.items())
    }


def _dtype(number: int) -> str:
    return BY_NUMBER[number].name if number in BY_NUMBER else f"DT_{number}"


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(None if one.size < 0 else one.size for one in shape.dim)


def _read_status(body: bytes) -> list[VersionStatus]:
    response = message("StatusResponse").FromString(body)
    return [
        VersionStatus(
            one.version,
            STATES.get(one.state, STATES[0]),
            one.status.error_message,
        )
        for one in response.model_version_status
    ]
