"""The client's way over gRPC."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from slice_tf_serving.client_errors import ServerError, failure
from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.dtypes import BY_NAME, Array
from slice_tf_serving.specs import SignatureSpec, callable_signatures
from slice_tf_serving.target import Certificates, Target
from slice_tf_serving.tensors import decode, encode
from slice_tf_serving.transport import Metadata, VersionStatus

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)
_FIELD = "signature_def"
_MAX_ELEMENTS = 1 << 40  # The server is trusted to give what it has.


class GrpcTransport:
    """Keeps one channel to a server.

    Args:
        host: Its host.
        port: Its port.
        target: The model.
        is_secure: Whether to speak TLS.
    """

    def __init__(
        self, host: str, port: int, target: Target, is_secure: bool
    ) -> None:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._url = f"grpc{'s' * is_secure}://{address}"
        self._target = target
        self._channel = _channel(address, target, is_secure)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        timeout: float,
    ) -> dict[str, Array]:
        request = self._named(predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            dtype = BY_NAME[spec.inputs[name].dtype]
            proto = encode(array, dtype, content=True)
            request.inputs[name].CopyFrom(proto)
        request.output_filter.extend(outputs)
        response = self._call(self._prediction.Predict, request, timeout)
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

    def metadata(self, timeout: float) -> Metadata:
        request = self._named(get_model_metadata_pb2.GetModelMetadataRequest())
        request.metadata_field.append(_FIELD)
        response = self._call(
            self._prediction.GetModelMetadata, request, timeout
        )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[_FIELD].Unpack(signatures)
        values = json_format.MessageToDict(
            signatures, preserving_proto_field_name=True
        )
        return Metadata(
            response.model_spec.name,
            response.model_spec.version.value,
            callable_signatures(values.get(_FIELD, {})),
        )

    def status(self, timeout: float) -> list[VersionStatus]:
        request = self._named(get_model_status_pb2.GetModelStatusRequest())
        response = self._call(self._models.GetModelStatus, request, timeout)
        states = get_model_status_pb2.ModelVersionStatus.State
        return [
            VersionStatus(
                one.version, states.Name(one.state), one.status.error_message
            )
            for one in response.model_version_status
        ]

    def close(self) -> None:
        self._channel.close()

    def _named(self, request: Any) -> Any:
        target, spec = self._target, request.model_spec
        spec.name = target.model
        if target.version is not None:
            spec.version.value = target.version
        if target.label is not None:
            spec.version_label = target.label
        return request

    def _call(self, method: Any, request: Any, timeout: float) -> Any:
        try:
            metadata = tuple(self._target.authorization.items())
            return method(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            code = Code.of_number(error.code().value[0])
            raise failure(code, self._url, error.details()) from error


def _channel(address: str, target: Target, is_secure: bool) -> Any:
    if not is_secure:
        return grpc.insecure_channel(address, options=_OPTIONS)
    certificates = target.certificates or Certificates()
    return grpc.secure_channel(
        address, certificates.credentials(), options=_OPTIONS
    )
