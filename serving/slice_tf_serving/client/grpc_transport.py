"""The client's ways over gRPC, one that waits and one for asyncio."""

from typing import Any

import grpc

from slice_tf_serving.client.errors import failure
from slice_tf_serving.client.server_url import ServerUrl
from slice_tf_serving.client.target import Certificates, Target
from slice_tf_serving.client.transport import Answer, Call
from slice_tf_serving.codes import Code

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class GrpcTransport:
    """Keeps one channel to a server.

    Args:
        url: The server.
        target: The model, and who asks.
    """

    def __init__(self, url: ServerUrl, target: Target) -> None:
        self._url = str(url)
        self._metadata = tuple(target.authorization.items())
        self._channel = _channel(grpc, url, target)

    def send(self, call: Call[Answer], timeout: float) -> Answer:
        method = self._channel.unary_unary(call.path)
        try:
            body = method(call.body, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(error, self._url) from error
        return call.read(body)

    def close(self) -> None:
        self._channel.close()


class AsyncGrpcTransport:
    """Keeps one channel to a server, for asyncio.

    Args:
        url: The server.
        target: The model, and who asks.
    """

    def __init__(self, url: ServerUrl, target: Target) -> None:
        self._url = str(url)
        self._metadata = tuple(target.authorization.items())
        self._channel = _channel(grpc.aio, url, target)

    async def send(self, call: Call[Answer], timeout: float) -> Answer:
        method = self._channel.unary_unary(call.path)
        try:
            body = await method(
                call.body, timeout=timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _failure(error, self._url) from error
        return call.read(body)

    async def close(self) -> None:
        await self._channel.close()


def _failure(error: Any, url: str) -> Exception:
    return failure(
        Code.of_number(error.code().value[0]), url, str(error.details())
    )


def _channel(kind: Any, url: ServerUrl, target: Target) -> Any:
    if not url.is_secure:
        return kind.insecure_channel(url.address, options=_OPTIONS)
    certificates = target.certificates or Certificates()
    return kind.secure_channel(
        url.address, certificates.credentials(), options=_OPTIONS
    )
