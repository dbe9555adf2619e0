"""The client's way over HTTP, with nothing but the standard library."""

import base64
import http.client
import json
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf_serving.client_errors import (
    ServerError,
    failure,
    too_late,
    unreachable,
)
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import BY_NAME, Array
from slice_tf_serving.specs import (
    SignatureSpec,
    TensorSpec,
    callable_signatures,
)
from slice_tf_serving.target import Certificates, Target
from slice_tf_serving.tensors import to_bytes
from slice_tf_serving.transport import Metadata, VersionStatus

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


class HttpTransport:
    """Keeps one connection to a server.

    Args:
        host: Its host.
        port: Its port.
        target: The model.
        is_secure: Whether to speak TLS.
    """

    def __init__(
        self, host: str, port: int, target: Target, is_secure: bool
    ) -> None:
        address = f"[{host}]" if ":" in host else host
        self._url = f"http{'s' * is_secure}://{address}:{port}"
        self._path = f"/v1/models/{_path(target)}"
        self._headers = target.authorization
        self._connection = _connection(host, port, target, is_secure)
        self._lock = threading.Lock()

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        timeout: float,
    ) -> dict[str, Array]:
        values = {name: _values(name, one) for name, one in inputs.items()}
        body = {"signature_name": signature, "inputs": values}
        text = json.dumps(body, separators=(",", ":")).encode()
        answer = self._call("POST", f"{self._path}:predict", text, timeout)
        given = answer.get("outputs")
        if len(spec.outputs) == 1:
            given = dict.fromkeys(spec.outputs, given)
        if not isinstance(given, dict) or not spec.outputs.keys() <= set(given):
            raise self._no_model_server("the outputs of the signature")
        return {
            name: _array(given[name], spec.outputs[name])
            for name in (outputs or spec.outputs)
        }

    def metadata(self, timeout: float) -> Metadata:
        answer = self._call("GET", f"{self._path}/metadata", None, timeout)
        try:
            spec = answer["model_spec"]
            values = answer["metadata"]["signature_def"]["signature_def"]
            signatures = callable_signatures(values)
            return Metadata(spec["name"], int(spec["version"]), signatures)
        except (KeyError, TypeError, AttributeError) as error:
            raise self._no_model_server("metadata") from error

    def status(self, timeout: float) -> list[VersionStatus]:
        answer = self._call("GET", self._path, None, timeout)
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

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _call(
        self, method: str, path: str, body: bytes | None, timeout: float
    ) -> dict[str, Any]:
        try:
            with self._lock:
                status, content = self._exchange(method, path, body, timeout)
        except TimeoutError as error:
            text = f"no answer within {timeout} s"
            raise too_late(self._url, text) from error
        except (OSError, http.client.HTTPException) as error:
            text = str(error) or type(error).__name__
            raise unreachable(self._url, text) from error
        answer = self._parsed(content)
        if status != 200:
            code = _CODES.get(status, Code.UNKNOWN)
            text = str(answer.get("error", f"HTTP status {status}"))
            raise failure(code, self._url, text)
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | None, timeout: float
    ) -> tuple[int, bytes]:
        """Sends a request; once more where the server has hung up before."""
        connection = self._connection
        is_kept = connection.sock is not None
        try:
            return self._once(method, path, body, timeout)
        except (ConnectionError, http.client.BadStatusLine):
            connection.close()
            if not is_kept:
                raise
        except BaseException:
            connection.close()  # Half an answer may still be on its way.
            raise
        return self._once(method, path, body, timeout)

    def _once(
        self, method: str, path: str, body: bytes | None, timeout: float
    ) -> tuple[int, bytes]:
        connection = self._connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        headers = dict(self._headers)
        if body:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content or b"{}")
        except ValueError as error:
            raise self._no_model_server("JSON") from error
        if not isinstance(answer, dict):
            raise self._no_model_server("a JSON object")
        return answer

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


def _connection(
    host: str, port: int, target: Target, is_secure: bool
) -> http.client.HTTPConnection:
    if not is_secure:
        return http.client.HTTPConnection(host, port)
    certificates = target.certificates or Certificates()
    return http.client.HTTPSConnection(
        host, port, context=certificates.context()
    )


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
