"""One HTTP/1.1 connection of the server: requests in, answers out, in order."""

import asyncio
import collections
import dataclasses
from typing import Any, Protocol

import httptools

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.limits import Limits
from slice_tf_serving.rest.messages import (
    HEADERS,
    HttpAnswer,
    HttpRequest,
    refusal,
    too_large,
)

_HEAD_BYTES = 64 << 10  # of a request's head; also of what follows its body
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class App(Protocol):
    """What answers requests."""

    def admit(self, request: HttpRequest) -> None:
        """Looks at a request before its body comes.

        Raises:
            ApiError: If the body need not come.
        """

    def answer(
        self, request: HttpRequest, connection: "HttpConnection"
    ) -> None:
        """Gives `connection.reply` the answer, now or later, once."""


@dataclasses.dataclass
class Common:
    """What all connections of a server have in common.

    Args:
        app: What answers requests.
        limits: How large and slow a request may be.
        date: The time, as answers tell it.
        is_stopping: Whether connections end when nothing is asked any more.
        connections: Those that are open.
    """

    app: App
    limits: Limits
    date: bytes = b""
    is_stopping: bool = False
    connections: "set[HttpConnection]" = dataclasses.field(default_factory=set)


class HttpConnection(asyncio.Protocol):
    """Reads requests, and writes their answers one after the other.

    A request that is refused ends the connection, as nobody knows where the
    next would begin. While a request waits here for the one before, or the
    caller does not read answers, nothing more is read.

    Args:
        common: What connections have in common.
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._since = self._loop.time()  # when the caller last did its part
        # What is being read: the head, then a request and its body.
        self._is_reading = False
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._request: HttpRequest | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._unframed = 0  # bytes after the last head or part of a body
        self._is_deaf = False  # What comes now is thrown away.
        # What is to be answered, or said, after what is being answered.
        self._waiting: collections.deque[HttpRequest | HttpAnswer] = (
            collections.deque()
        )
        self._answering: HttpRequest | None = None
        self._unsent: int | None = None  # bytes, where the caller reads late

    def reply(self, answer: HttpAnswer) -> None:
        """Writes the answer of the request that the app was given."""
        request, self._answering = self._answering, None
        if self._transport is None or request is None:
            return  # The caller has hung up.
        is_last = request.is_last or (
            self._common.is_stopping and not self._waiting
        )
        is_head = request.method == "HEAD"
        self._transport.write(
            answer.written(self._common.date, is_last=is_last, is_head=is_head)
        )
        self._since = self._loop.time()
        if is_last:
            self._transport.close()
        elif self._waiting:
            self._loop.call_soon(self._next)

    def end_if_idle(self) -> None:
        """Closes it, if it is between two requests."""
        is_reading = self._is_reading and not self._is_deaf
        if not (is_reading or self._answering or self._waiting):
            self._transport.close()

    def end_if_late(self, now: float) -> None:
        """Closes it, if the caller has not done its part in time."""
        seconds = self._common.limits.body_seconds
        if self._unsent is not None:
            unsent = self._transport.get_write_buffer_size()
            if unsent < self._unsent:
                self._unsent, self._since = unsent, now
        elif self._answering or self._waiting:
            return  # It is not the caller's turn.
        if now - self._since < seconds:
            return
        if self._request is None or self._is_deaf:
            self._transport.abort()
        else:
            text = f"The request did not arrive within {seconds:g} seconds"
            late = ApiError(Code.DEADLINE_EXCEEDED, text, http_status=408)
            self._refuse(late)

    def abort(self) -> None:
        """Closes it, whatever is under way."""
        self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._common.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self._common.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(invalid(f"Malformed HTTP: {error}"))
        if self._unframed > _HEAD_BYTES:
            text = f"The head of a request is larger than {_HEAD_BYTES} bytes"
            long = ApiError(Code.INVALID_ARGUMENT, text, http_status=431)
            self._refuse(long)
        if self._waiting:
            self._pace()

    def pause_writing(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self._since = self._loop.time()
        self._pace()

    def resume_writing(self) -> None:
        self._unsent = None
        self._since = self._loop.time()
        self._pace()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._is_reading = True
        self._url, self._headers = b"", {}
        self._since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in HEADERS:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # See `_decline`.
        self._unframed = 0
        method = self._parser.get_method().decode()
        request = HttpRequest(method, _path(self._url), self._headers)
        self._headers = {}  # Trailers are not its head.
        max_bytes = self._common.limits.request_bytes
        try:
            if int(request.headers.get(b"content-length", 0)) > max_bytes:
                raise too_large(max_bytes)
            self._common.app.admit(request)
        except ApiError as error:
            self._refuse(error)
            return
        self._request, self._parts, self._size = request, [], 0
        is_asked = b"expect" in request.headers
        if is_asked and not (self._answering or self._waiting):
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        self._unframed = 0
        self._size += len(part)
        if self._size > self._common.limits.request_bytes:
            self._refuse(too_large(self._common.limits.request_bytes))
        elif not self._is_deaf:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        request, self._request = self._request, None
        self._is_reading = False
        if request is None or self._is_deaf:
            return
        parts, self._parts = self._parts, []
        request.body = parts[0] if len(parts) == 1 else b"".join(parts)
        request.is_last = self._is_deaf = (
            not self._parser.should_keep_alive()
            or self._parser.get_http_version() == "1.0"
        )
        self._waiting.append(request)
        self._next()

    # What follows.

    def _next(self) -> None:
        """Goes on with what waits, if there is nothing before it."""
        if self._answering or not self._waiting or self._transport is None:
            return
        following = self._waiting.popleft()
        if isinstance(following, HttpAnswer):
            self._say_last(following)
            return
        self._answering = following
        self._common.app.answer(following, self)
        self._pace()

    def _decline(self, rest: bytes) -> None:
        """Reads a request that offers another protocol as if it did not.

        Some clients offer HTTP/2 with their first request, whose body the
        parser would not read then.
        """
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse(invalid("Malformed request: CONNECT"))
            return
        lines = [b"%b %b HTTP/1.1" % (method, self._url)]
        lines += [b"%b: %b" % header for header in self._headers.items()]
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _refuse(self, error: ApiError) -> None:
        """Says why, when it is the refused request's turn, and ends."""
        if self._is_deaf:
            return
        self._is_deaf = True
        self._waiting.append(refusal(error))
        self._next()

    def _say_last(self, answer: HttpAnswer) -> None:
        """Writes what a caller is told who may still be sending.

        The connection stays open until the caller has closed it: closed with
        bytes unread, it would be reset, and the answer be lost.
        """
        self._transport.write(
            answer.written(self._common.date, is_last=True, is_head=False)
        )
        self._since = self._loop.time()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._pace()

    def _pace(self) -> None:
        """Reads on only where there is room for what comes."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._waiting or self._unsent is not None:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


def _path(url: bytes) -> bytes:
    """Returns path and query of what was asked for; it may be a whole URL."""
    if url[:1] == b"/":
        return url
    try:
        parts = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return url
    query = b"" if parts.query is None else b"?" + parts.query
    return (parts.path or b"/") + query
