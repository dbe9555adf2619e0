"""Calls a model server over gRPC or HTTP, NumPy in and out."""

import dataclasses
import difflib
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.client_errors import RequestError
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import BY_NAME, Array, of_array
from slice_tf_serving.specs import SignatureSpec, TensorSpec

_PORTS = {"grpc": 8500, "http": 8501}
# A server answers NOT_FOUND for a model that it is still loading.
_NOT_READY = (Code.UNAVAILABLE, Code.NOT_FOUND)
_SECONDS_BETWEEN_TRIES = 0.2


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a server says of a model.

    Args:
        model: Name of the model.
        version: The version that answered.
        signatures: What each signature takes and gives, by name.
    """

    model: str
    version: int
    signatures: Mapping[str, SignatureSpec]


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The state of one version of a model.

    Args:
        version: Number of the version.
        state: Such as `LOADING`, `AVAILABLE` or `END`.
        error: Why it is not available; empty where nothing is wrong.
    """

    version: int
    state: str
    error: str = ""


class Transport(Protocol):
    """A way to a model server."""

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        timeout: float,
    ) -> dict[str, Array]:
        """Runs a signature and returns the outputs, by name."""

    def metadata(self, timeout: float) -> Metadata:
        """Asks for the signatures of the model."""

    def status(self, timeout: float) -> list[VersionStatus]:
        """Asks for the state of the model's versions."""

    def close(self) -> None:
        """Closes connections."""


class Client:
    """Calls one model of a server that speaks TensorFlow Serving's API.

    Names, types and shapes are checked against the server's metadata, which
    is asked for once, before anything is sent. The connection is kept. A
    client may be used by several threads; over HTTP they take turns.

    Args:
        url: `grpc://host:port` or `http://host:port`; ports default to 8500
            and 8501. Text outputs that are no UTF-8 come back whole over gRPC
            only.
        model: Name of the model.
        version: Number of its version; `None` takes the server's newest.
        timeout: Seconds that a call may take.

    Raises:
        ValueError: If the URL is malformed or the timeout not positive.

    Example:
        with Client("grpc://127.0.0.1:8500", "digits") as client:
            outputs = client.predict({"image": images})
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        *,
        timeout: float = 30.0,
    ) -> None:
        if not timeout > 0:
            raise ValueError(
                "`timeout` must be positive, because a call takes time. "
                f"Received: timeout={timeout}"
            )
        self.timeout = timeout
        self._transport = _transport(url, model, version)
        self._metadata: Metadata | None = None

    def predict(
        self,
        inputs: Mapping[str, Any],
        signature: str = SERVING_DEFAULT,
        *,
        outputs: Sequence[str] = (),
        timeout: float | None = None,
    ) -> dict[str, Array]:
        """Runs a signature.

        Args:
            inputs: Name to array. An array must be of the input's type, so
                that nothing is cast unseen; lists become arrays of it.
            signature: Name of the signature.
            outputs: Names of the outputs wanted; none stands for all.
            timeout: Seconds this call may take.

        Returns:
            Name to array; strings are objects, of bytes.

        Raises:
            ConnectionError: If the server cannot be reached.
            RequestError: If the server refuses the request.
            TimeoutError: If the answer does not come in time.
            ValueError: If a name or shape is wrong.
            TypeError: If a type is wrong.
        """
        spec = self._signature(signature)
        arrays = checked(inputs, spec, signature)
        _check_names("outputs", outputs, spec.outputs, signature)
        try:
            return self._transport.predict(
                signature, spec, arrays, outputs, timeout or self.timeout
            )
        except RequestError:
            self._metadata = None  # Another version may have come.
            raise

    def metadata(self) -> Metadata:
        """Asks the server what the model takes and gives.

        Raises:
            ConnectionError: If the server cannot be reached.
            RequestError: If there is no such model or version.
            TimeoutError: If the answer does not come in time.
        """
        self._metadata = self._transport.metadata(self.timeout)
        return self._metadata

    def wait_until_ready(self, seconds: float) -> Metadata:
        """Asks for metadata until the server has loaded the model.

        Args:
            seconds: How long to go on asking, at least once.

        Raises:
            ConnectionError: If the server still cannot be reached then.
            RequestError: If it still has no such model or version.
            TimeoutError: If an answer does not come in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.metadata()
            except (ConnectionError, RequestError) as error:
                code = getattr(error, "code", Code.UNAVAILABLE)
                if code not in _NOT_READY or time.monotonic() >= deadline:
                    raise
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def status(self) -> list[VersionStatus]:
        """Asks the server for the state of the model's versions.

        Raises:
            ConnectionError: If the server cannot be reached.
            RequestError: If there is no such model or version.
            TimeoutError: If the answer does not come in time.
        """
        return self._transport.status(self.timeout)

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _signature(self, name: str) -> SignatureSpec:
        signatures = (self._metadata or self.metadata()).signatures
        _check_names("signature", [name], signatures, "the model")
        return signatures[name]


def checked(
    inputs: Mapping[str, Any], spec: SignatureSpec, signature: str
) -> dict[str, Array]:
    """Returns arrays that fit a signature.

    Raises:
        TypeError: If a type is wrong.
        ValueError: If a name or shape is wrong, or an input missing.
    """
    _check_names("inputs", inputs, spec.inputs, signature)
    missing = [name for name in spec.inputs if name not in inputs]
    if missing:
        raise ValueError(
            "A request must hold every input of its signature. "
            f"Received: signature={signature}, missing={', '.join(missing)}"
        )
    return {
        name: _array(name, inputs[name], one)
        for name, one in spec.inputs.items()
    }


def _check_names(
    what: str, names: Any, known: Mapping[str, Any], where: str
) -> None:
    for name in names:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"`{what}` must be among those of {where}, which are "
            f"{', '.join(known)}. Received: {what}={name!r}.{hint}"
        )


def _array(name: str, value: Any, spec: TensorSpec) -> Array:
    dtype = BY_NAME.get(spec.dtype)
    is_array = isinstance(value, (np.ndarray, np.generic))
    array = np.asarray(value)
    expected = np.dtype(dtype.array) if dtype else None
    if expected is not None and not is_array and expected.kind != "O":
        array = _cast(array, expected)
    if dtype is None or of_array(array) is not dtype:
        wanted = dtype.text if dtype else spec.dtype
        raise TypeError(
            "An input must be of the type that the signature declares, "
            "because nothing is cast unseen. Received: "
            f"input={name}, dtype={array.dtype}, expected={wanted}"
        )
    if not spec.accepts(array.shape):
        sizes = spec.shape or ()
        shape = ", ".join("any" if s is None else str(s) for s in sizes)
        raise ValueError(
            "An input must be of the shape that the signature declares. "
            f"Received: input={name}, shape={array.shape}, expected=({shape})"
        )
    return array


def _cast(array: Array, expected: Any) -> Array:
    """Casts what came as a list, unless that would change values."""
    if np.can_cast(array.dtype, expected, "same_kind") or not array.size:
        return array.astype(expected)
    return array


def _transport(url: str, model: str, version: int | None) -> Transport:
    parts = urllib.parse.urlsplit(url)
    port = _port(parts)
    if parts.scheme not in _PORTS or not parts.hostname or port is None:
        raise ValueError(
            "`url` must be grpc://host:port or http://host:port. "
            f"Received: url={url!r}"
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "`url` must end after the port, because the model is named apart. "
            f"Received: url={url!r}"
        )
    if parts.scheme == "grpc":
        from slice_tf_serving.grpc_transport import GrpcTransport

        return GrpcTransport(parts.hostname, port, model, version)
    from slice_tf_serving.http_transport import HttpTransport

    return HttpTransport(parts.hostname, port, model, version)


def _port(parts: urllib.parse.SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
