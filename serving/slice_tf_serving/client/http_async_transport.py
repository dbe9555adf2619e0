"""The client's way over HTTP for asyncio."""

import asyncio
import ssl

import httptools

from slice_tf_serving.client.errors import too_late, unreachable
from slice_tf_serving.client.http_codec import HttpCodec
from slice_tf_serving.client.server_url import ServerUrl
from slice_tf_serving.client.target import Certificates, Target
from slice_tf_serving.client.transport import Answer, Call


class AsyncHttpTransport:
    """Keeps as many connections to a server as calls have run at once.

    Args:
        url: The server.
        target: The model, and who asks.
        codec: What reads answers.
    """

    def __init__(
        self, url: ServerUrl, target: Target, codec: HttpCodec
    ) -> None:
        self._address = url.host, url.port
        self._url = str(url)
        self._codec = codec
        self._tls = _context(target) if url.is_secure else None
        lines = [f"Host: {url.address}"]
        lines += [f"{k}: {v}" for k, v in target.authorization.items()]
        self._headers = "\r\n".join(lines)
        self._idle: list[_Connection] = []

    async def send(self, call: Call[Answer], timeout: float) -> Answer:
        request = _written(call, self._headers)
        try:
            exchange = self._exchange(request)
            status, content = await asyncio.wait_for(exchange, timeout)
        except (asyncio.TimeoutError, TimeoutError) as error:
            text = f"no answer within {timeout} s"
            raise too_late(self._url, text) from error
        except (OSError, httptools.HttpParserError) as error:
            text = str(error) or type(error).__name__
            raise unreachable(self._url, text) from error
        return call.read(self._codec.answer(status, content))

    async def close(self) -> None:
        for one in self._idle:
            one.close()
        self._idle.clear()

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """Sends a request; once more where the server has hung up before."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                try:
                    return await self._once(connection, request)
                except ConnectionError:
                    break
        loop = asyncio.get_running_loop()
        _, fresh = await loop.create_connection(
            _Connection, *self._address, ssl=self._tls
        )
        return await self._once(fresh, request)

    async def _once(
        self, connection: "_Connection", request: bytes
    ) -> tuple[int, bytes]:
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()  # Half an answer may still be on its way.
            raise
        if connection.is_open:
            self._idle.append(connection)
        return answer


class _Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self) -> None:
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        self._answer = asyncio.get_running_loop().create_future()
        self._parts = []
        if self._transport is not None:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self.is_open = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self._end(error or ConnectionResetError("the server has hung up"))

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        answer = self._parser.get_status_code(), b"".join(self._parts)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _end(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _written(call: Call[Answer], headers: str) -> bytes:
    if call.body is None:
        return f"GET {call.path} HTTP/1.1\r\n{headers}\r\n\r\n".encode()
    head = (
        f"POST {call.path} HTTP/1.1\r\n{headers}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(call.body)}\r\n\r\n"
    )
    return head.encode() + call.body


def _context(target: Target) -> ssl.SSLContext:
    return (target.certificates or Certificates()).context()
