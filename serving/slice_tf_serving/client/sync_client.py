"""Calls a model server over gRPC or HTTP, NumPy in and out."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.client.checks import joined, prepared
from slice_tf_serving.client.errors import RequestError
from slice_tf_serving.client.patience import (
    NOT_READY,
    SECONDS_BETWEEN_TRIES,
    Patience,
    check_patience,
)
from slice_tf_serving.client.server_url import ServerUrl
from slice_tf_serving.client.target import Certificates, Target
from slice_tf_serving.client.transport import (
    Answer,
    Call,
    Codec,
    Metadata,
    Transport,
    VersionStatus,
)
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import Array


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
        check_patience(timeout, retries)
        self.timeout = timeout
        self.retries = retries
        target = Target(model, version, label, token, certificates)
        self._codec, self._transport = _way(ServerUrl.of(url), target)
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
        signatures = (self._metadata or self.metadata()).signatures
        spec, parts = prepared(
            inputs, signatures, signature, outputs, batch_size
        )
        calls = [
            self._codec.predict(signature, spec, part, outputs)
            for part in parts
        ]
        try:
            return joined([self._again(call, timeout) for call in calls])
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
        self._metadata = self._again(self._codec.metadata())
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
                if code not in NOT_READY or time.monotonic() >= deadline:
                    raise
            time.sleep(SECONDS_BETWEEN_TRIES)

    def status(self) -> list[VersionStatus]:
        """Asks the server for the state of the model's versions.

        Raises:
            ConnectionError: If the server cannot be reached.
            RequestError: If there is no such model or version.
            TimeoutError: If the answer does not come in time.
        """
        return self._again(self._codec.status())

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

    def _again(
        self, call: Call[Answer], timeout: float | None = None
    ) -> Answer:
        """Calls once, and again while the server is not available."""
        patience = Patience(timeout or self.timeout, self.retries)
        while True:
            try:
                return self._transport.send(call, patience.left)
            except ConnectionError:
                pause = patience.pause()
                if pause is None:
                    raise
            time.sleep(pause)


def _way(url: ServerUrl, target: Target) -> tuple[Codec, Transport]:
    if url.is_grpc:
        from slice_tf_serving.client.grpc_codec import GrpcCodec
        from slice_tf_serving.client.grpc_transport import GrpcTransport

        return GrpcCodec(target, str(url)), GrpcTransport(url, target)
    from slice_tf_serving.client.http_codec import HttpCodec
    from slice_tf_serving.client.http_transport import HttpTransport

    codec = HttpCodec(target, str(url))
    return codec, HttpTransport(url, target, codec)
