"""The body of an HTTP request, never longer or later than allowed."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.limits import Limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


async def read_body(
    scope: Message, receive: Receive, limits: Limits, deadlines: "Deadlines"
) -> bytes:
    """Returns the body, unpacked where it is gzip.

    Raises:
        ApiError: If it is too large, packed or not, comes too slowly, or the
            caller hangs up.
    """
    is_packed = False
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limits.request_bytes:
            raise _too_large(limits)
        if name == b"content-encoding":
            is_packed = value.lower() == b"gzip"
    body = await deadlines.within(_received(receive, limits))
    return _unpacked(body, limits) if is_packed else body


class Deadlines:
    """Cancels tasks that take too long.

    `asyncio.wait_for` would make a task of its own of every request, and a
    timer each is as dear; so one timer looks at all of them now and then.

    Args:
        seconds: How long a task may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pending: dict[asyncio.Task[Any], float] = {}
        self._is_ticking = False

    async def within(self, reading: Awaitable[bytes]) -> bytes:
        """Returns what is awaited.

        Raises:
            ApiError: If it takes too long.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            return await reading
        self._pending[task] = loop.time() + self._seconds
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(self._seconds / 4, self._tick, loop)
        try:
            return await reading
        except asyncio.CancelledError:
            if task in self._pending:
                raise  # by someone else
            uncancel = getattr(task, "uncancel", None)  # from Python 3.11 on
            if uncancel is not None:
                uncancel()
            raise ApiError(
                Code.DEADLINE_EXCEEDED,
                f"The request did not arrive within {self._seconds:g} seconds",
                http_status=408,
            ) from None
        finally:
            self._pending.pop(task, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = [one for one, end in self._pending.items() if end < now]
        for task in late:
            del self._pending[task]
            task.cancel()
        self._is_ticking = bool(self._pending)
        if self._is_ticking:
            loop.call_later(self._seconds / 4, self._tick, loop)


async def _received(receive: Receive, limits: Limits) -> bytes:
    message = await receive()
    if not message.get("more_body", False) and "body" in message:
        body: bytes = message["body"]
        if len(body) > limits.request_bytes:
            raise _too_large(limits)
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ApiError(Code.CANCELLED, "The caller has hung up.")
        part = message.get("body", b"")
        size += len(part)
        if size > limits.request_bytes:
            raise _too_large(limits)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _unpacked(body: bytes, limits: Limits) -> bytes:
    """Returns the content of a gzip stream; nothing where it is none."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = inflater.decompress(body, limits.request_bytes + 1)
    except zlib.error:
        return b""
    if len(content) > limits.request_bytes:
        raise _too_large(limits)
    return content


def _too_large(limits: Limits) -> ApiError:
    return ApiError(
        Code.RESOURCE_EXHAUSTED,
        "The request is larger than this server's limit of "
        f"{limits.request_bytes} bytes",
        http_status=413,
    )
