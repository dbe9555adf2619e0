"""Calls a model server over gRPC or HTTP, NumPy in and out."""

import difflib
import random
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.client_errors import RequestError
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import BY_NAME, Array, of_array
from slice_tf_serving.specs import SignatureSpec, TensorSpec
from slice_tf_serving.target import Certificates, Target
from slice_tf_serving.transport import Metadata, Transport, VersionStatus

_PORTS = {"grpc": 8500, "grpcs": 8500, "http": 8501, "https": 8501}
# A server answers NOT_FOUND for a model that it is still loading.
_NOT_READY = (Code.UNAVAILABLE, Code.NOT_FOUND)
_SECONDS_BETWEEN_TRIES = 0.2
_BACKOFF_SECONDS = 0.1
_LEAST_SECONDS = 0.001

Answer = TypeVar("Answer")


class Client:
    """Calls one model of a server that speaks TensorFlow Serving's API.

    Names, types and shapes are checked against the server's metadata, which
    is asked for once, before anything is sent. The connection is kept. A
    client may be used by several threads; over HTTP they take turns.

    Args:
        url: `grpc://host:port` or `http://host:port`, `grpcs://` or
            `https://` for TLS; ports default to 8500 and 8501. Text outputs
            that are no UTF-8 come back whole over gRPC only.
        model: Name of the model.
        version: Number of its version; `None` takes the server's newest.
        label: Label of its version, such as `stable`, in place of a number.
        timeout: Seconds that a call may take, retries included.
        retries: How often a call is repeated while the server is not
            available. What a server has refused, or taken too long for, is
            never repeated.
        token: What to send as `Authorization: Bearer TOKEN`.
        certificates: Whom to trust and who to be over TLS; by default the
            system's authorities and nobody.

    Raises:
        ValueError: If the URL is malformed, the timeout not positive, the
            number of retries negative, or version and label are given both.

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
        label: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        token: str | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        if not timeout > 0:
            raise ValueError(
                "`timeout` must be positive, because a call takes time. "
                f"Received: timeout={timeout}"
            )
        if retries < 0:
            raise ValueError(
                f"`retries` must not be negative. Received: retries={retries}"
            )
        if version is not None and label is not None:
            raise ValueError(
                "A version must be pinned by its number or its label, not by "
                f"both. Received: version={version}, label={label!r}"
            )
        self.timeout = timeout
        self.retries = retries
        target = Target(model, version, label, token, certificates)
        self._transport = _transport(url, target)
        self._metadata: Metadata | None = None

    def predict(
        self,
        inputs: Mapping[str, Any],
        signature: str = SERVING_DEFAULT,
        *,
        outputs: Sequence[str] = (),
        timeout: float | None = None,
        batch_size: int | None = None,
    ) -> dict[str, Array]:
        """Runs a signature.

        Args:
            inputs: Name to array. An array must be of the input's type, so
                that nothing is cast unseen; lists become arrays of it.
            signature: Name of the signature.
            outputs: Names of the outputs wanted; none stands for all.
            timeout: Seconds this call may take; of a split batch, each part.
            batch_size: Examples to send at once. More are sent in several
                requests, and their answers put together.

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

        def send(part: Mapping[str, Array]) -> dict[str, Array]:
            return self._again(
                lambda seconds: self._transport.predict(
                    signature, spec, part, outputs, seconds
                ),
                timeout or self.timeout,
            )

        try:
            answers = [send(part) for part in split(arrays, batch_size)]
        except RequestError:
            self._metadata = None  # Another version may have come.
            raise
        if len(answers) == 1:
            return answers[0]
        return {
            name: np.concatenate([answer[name] for answer in answers])
            for name in answers[0]
        }

    def metadata(self) -> Metadata:
        """Asks the server what the model takes and gives.

        Raises:
            ConnectionError: If the server cannot be reached.
            RequestError: If there is no such model or version.
            TimeoutError: If the answer does not come in time.
        """
        self._metadata = self._again(self._transport.metadata, self.timeout)
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
        return self._again(self._transport.status, self.timeout)

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

    def _again(self, call: Callable[[float], Answer], timeout: float) -> Answer:
        """Calls once, and again while the server is not available.

        Waits ever longer in between, and never as long as another client, so
        that a server that comes back is not run over.
        """
        deadline = time.monotonic() + timeout
        attempt = 0
        while True:
            try:
                return call(max(deadline - time.monotonic(), _LEAST_SECONDS))
            except ConnectionError:
                pause = random.uniform(0.5, 1) * _BACKOFF_SECONDS * 2**attempt
                is_late = time.monotonic() + pause >= deadline
                if attempt >= self.retries or is_late:
                    raise
                time.sleep(pause)
                attempt += 1

    def _signature(self, name: str) -> SignatureSpec:
        signatures = (self._metadata or self.metadata()).signatures
        _check_names("signature", [name], signatures, "the model")
        return signatures[name]


def split(
    arrays: Mapping[str, Array], batch_size: int | None
) -> list[dict[str, Array]]:
    """Returns parts of at most so many rows.

    Raises:
        ValueError: If the size is not positive, or inputs have no rows or not
            the same number.
    """
    if batch_size is None:
        return [dict(arrays)]
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be positive. Received: batch_size={batch_size}"
        )
    sizes = {array.shape[:1] for array in arrays.values()}
    if len(sizes) != 1 or sizes == {()}:
        raise ValueError(
            "Inputs must have the same number of rows to be split. Received: "
            f"shapes={ {name: one.shape for name, one in arrays.items()} }"
        )
    rows = int(next(iter(sizes))[0])
    return [
        {name: array[at : at + batch_size] for name, array in arrays.items()}
        for at in range(0, max(rows, 1), batch_size)
    ]


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


def _transport(url: str, target: Target) -> Transport:
    parts = urllib.parse.urlsplit(url)
    port = _port(parts)
    if parts.scheme not in _PORTS or not parts.hostname or port is None:
        raise ValueError(
            "`url` must be grpc://host:port or http://host:port, or grpcs:// "
            f"or https://. Received: url={url!r}"
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "`url` must end after the port, because the model is named apart. "
            f"Received: url={url!r}"
        )
    is_secure = parts.scheme.endswith("s")
    if parts.scheme.startswith("grpc"):
        from slice_tf_serving.grpc_transport import GrpcTransport

        return GrpcTransport(parts.hostname, port, target, is_secure)
    from slice_tf_serving.http_transport import HttpTransport

    return HttpTransport(parts.hostname, port, target, is_secure)


def _port(parts: urllib.parse.SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
