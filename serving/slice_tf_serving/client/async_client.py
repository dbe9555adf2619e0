"""Calls a model server from asyncio, NumPy in and out."""

import asyncio
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
    AsyncTransport,
    Call,
    Codec,
    Metadata,
    VersionStatus,
)
from slice_tf_serving.codes import Code
from slice_tf_serving.dtypes import Array


class AsyncClient:
    """Calls one model, as `Client` does, and lets others work meanwhile.

    Calls may run at the same time, over HTTP on a connection each. Parts of
    a split batch do.

    Args:
        url: As for `Client`.
        model: Name of the model.
        version: Number of its version; `None` takes the server's newest.
        label: Label of its version, in place of a number.
        timeout: Seconds that a call may take, retries included.
        retries: How often a call is repeated while the server is not
            available.
        token: What to send as `Authorization: Bearer TOKEN`.
        certificates: Whom to trust and who to be over TLS.

    Raises:
        ValueError: If the URL is malformed, the timeout not positive, the
            number of retries negative, or version and label are given both.

    Example:
        async with AsyncClient("grpc://127.0.0.1:8500", "digits") as client:
            outputs = await client.predict({"image": images})
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
        self._url = ServerUrl.of(url)
        self._target = Target(model, version, label, token, certificates)
        self._way: tuple[Codec, AsyncTransport] | None = None
        self._metadata: Metadata | None = None

    async def predict(
        self,
        inputs: Mapping[str, Any],
        signature: str = SERVING_DEFAULT,
        *,
        outputs: Sequence[str] = (),
        timeout: float | None = None,
        batch_size: int | None = None,
    ) -> dict[str, Array]:
        """Runs a signature; see `Client.predict`."""
        metadata = self._metadata or await self.metadata()
        spec, parts = prepared(
            inputs, metadata.signatures, signature, outputs, batch_size
        )
        codec, _ = self._connected()
        calls = [
            codec.predict(signature, spec, part, outputs) for part in parts
        ]
        try:
            return joined(
                await asyncio.gather(
                    *(self._again(call, timeout) for call in calls)
                )
            )
        except RequestError:
            self._metadata = None  # Another version may have come.
            raise

    async def metadata(self) -> Metadata:
        """Asks what the model takes and gives; see `Client.metadata`."""
        codec, _ = self._connected()
        self._metadata = await self._again(codec.metadata())
        return self._metadata

    async def wait_until_ready(self, seconds: float) -> Metadata:
        """Asks until the model is loaded; see `Client.wait_until_ready`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            try:
                return await self.metadata()
            except (ConnectionError, RequestError) as error:
                code = getattr(error, "code", Code.UNAVAILABLE)
                if code not in NOT_READY or loop.time() >= deadline:
                    raise
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    async def status(self) -> list[VersionStatus]:
        """Asks for the state of the versions; see `Client.status`."""
        codec, _ = self._connected()
        return await self._again(codec.status())

    async def close(self) -> None:
        """Closes the connections."""
        if self._way is not None:
            await self._way[1].close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _again(
        self, call: Call[Answer], timeout: float | None = None
    ) -> Answer:
        """Calls once, and again while the server is not available."""
        patience = Patience(timeout or self.timeout, self.retries)
        _, transport = self._connected()
        while True:
            try:
                return await transport.send(call, patience.left)
            except ConnectionError:
                pause = patience.pause()
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    def _connected(self) -> tuple[Codec, AsyncTransport]:
        """Returns the way to the server, which belongs to one event loop."""
        if self._way is None:
            self._way = _way(self._url, self._target)
        return self._way


def _way(url: ServerUrl, target: Target) -> tuple[Codec, AsyncTransport]:
    if url.is_grpc:
        from slice_tf_serving.client.grpc_codec import GrpcCodec
        from slice_tf_serving.client.grpc_transport import AsyncGrpcTransport

        return GrpcCodec(target, str(url)), AsyncGrpcTransport(url, target)
    from slice_tf_serving.client.http_async_transport import AsyncHttpTransport
    from slice_tf_serving.client.http_codec import HttpCodec

    codec = HttpCodec(target, str(url))
    return codec, AsyncHttpTransport(url, target, codec)
