"""Requests and answers of REST, as a client writes and reads them."""

import base64
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf_serving.client.errors import ServerError, failure
from slice_tf_serving.client.target import Target
from slice_tf_serving.client.transport import Call, Metadata, VersionStatus
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import BY_NAME, Array
from slice_tf_serving.specs import (
    SignatureSpec,
    TensorSpec,
    callable_signatures,
)
from slice_tf_serving.tensors import to_bytes

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


class HttpCodec:
    """Speaks of one model.

    Args:
        target: The model.
        url: Of the server, for errors.
    """

    def __init__(self, target: Target, url: str) -> None:
        self._url = url
        self._path = f"/v1/models/{_path(target)}"

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
    ) -> Call[dict[str, Array]]:
        values = {name: _values(name, one) for name, one in inputs.items()}
        body = {"signature_name": signature, "inputs": values}
        text = json.dumps(body, separators=(",", ":")).encode()

        def read(answer: dict[str, Any]) -> dict[str, Array]:
            return self._outputs(answer, spec, outputs)

        return Call(f"{self._path}:predict", text, read)

    def metadata(self) -> Call[Metadata]:
        return Call(f"{self._path}/metadata", None, self._read_metadata)

    def status(self) -> Call[list[VersionStatus]]:
        return Call(self._path, None, self._read_status)

    def answer(self, status: int, content: bytes) -> dict[str, Any]:
        """Returns what a body holds.

        Raises:
            Exception: What `client_errors` has for the status.
            ServerError: If it is no answer of a model server.
        """
        try:
            answer = json.loads(content or b"{}")
        except ValueError as error:
            raise self._no_model_server("JSON") from error
        if not isinstance(answer, dict):
            raise self._no_model_server("a JSON object")
        if status != 200:
            code = _CODES.get(status, Code.UNKNOWN)
            text = str(answer.get("error", f"HTTP status {status}"))
            raise failure(code, self._url, text)
        return answer

    def _outputs(
        self,
        answer: dict[str, Any],
        spec: SignatureSpec,
        outputs: Sequence[str],
    ) -> dict[str, Array]:
        given = answer.get("outputs")
        if len(spec.outputs) == 1:
            given = dict.fromkeys(spec.outputs, given)
        if not isinstance(given, dict) or not spec.outputs.keys() <= set(given):
            raise self._no_model_server("the outputs of the signature")
        return {
            name: _array(given[name], spec.outputs[name])
            for name in (outputs or spec.outputs)
        }

    def _read_metadata(self, answer: dict[str, Any]) -> Metadata:
        try:
            spec = answer["model_spec"]
            values = answer["metadata"]["signature_def"]["signature_def"]
            signatures = callable_signatures(values)
            return Metadata(spec["name"], int(spec["version"]), signatures)
        except (KeyError, TypeError, AttributeError) as error:
            raise self._no_model_server("metadata") from error

    def _read_status(self, answer: dict[str, Any]) -> list[VersionStatus]:
        try:
            return [
                VersionStatus(
                    int(one["version"]),
                    one["state"],
                    one["status"].get("error_message", ""),
                )
                for one in answer["model_version_status"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise self._no_model_server("a status") from error

    def _no_model_server(self, missing: str) -> ServerError:
        return ServerError(
            f"A model server must answer with {missing}, and this one does "
            f"not. Received: url={self._url}",
            Code.UNKNOWN,
        )


def _path(target: Target) -> str:
    name = urllib.parse.quote(target.model, safe="")
    if target.version is not None:
        return f"{name}/versions/{target.version}"
    if target.label is not None:
        return f"{name}/labels/{urllib.parse.quote(target.label, safe='')}"
    return name


def _values(name: str, array: Array) -> Any:
    if array.ndim > 1 and not array.size:
        raise ValueError(
            "Over HTTP a request must hold at least one example, because JSON "
            "cannot tell the shape of none. "
            f"Received: input={name}, shape={array.shape}. Use grpc://."
        )
    if array.dtype.kind not in "OSU":
        return array.tolist()
    flat = np.empty(array.size, object)
    flat[:] = [
        {"b64": base64.b64encode(to_bytes(value)).decode()}
        for value in array.ravel()
    ]
    return flat.reshape(array.shape).tolist()


def _array(values: Any, spec: TensorSpec) -> Array:
    dtype = BY_NAME[spec.dtype]
    if dtype.is_string:
        array = np.array(values, object)
        flat = np.empty(array.size, object)
        flat[:] = [_bytes(value) for value in array.ravel()]
        array = flat.reshape(array.shape)
    else:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype.array)
    if not array.size and spec.shape is not None:
        return array.reshape([size or 0 for size in spec.shape])
    return array


def _bytes(value: Any) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return to_bytes(value)
