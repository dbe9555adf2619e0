"""Requests and answers of HTTP, as the front has read and will write them."""

import dataclasses
import http
import zlib

from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.json_forms.answers import failure

_REASONS = {one.value: one.phrase for one in http.HTTPStatus}
_REASONS[499] = "Client Closed Request"  # of no standard
_STARTS: dict[tuple[int, str], bytes] = {}


@dataclasses.dataclass(slots=True)
class HttpRequest:
    """A request, whole.

    Args:
        method: Such as `POST`.
        path: As it was sent, with what follows a question mark.
        headers: Those of `HEADERS` that it has, by name in small letters.
        body: As it was sent.
        is_last: Whether the connection ends with its answer.
    """

    method: str
    path: bytes
    headers: dict[bytes, bytes]
    body: bytes = b""
    is_last: bool = False

    def content(self, max_bytes: int) -> bytes:
        """Returns the body, unpacked where it is gzip.

        What claims to be gzip and is not stands for nothing.

        Raises:
            ApiError: If it is larger than `max_bytes` then.
        """
        if b"gzip" not in self.headers.get(b"content-encoding", b"").lower():
            return self.body
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content = inflater.decompress(self.body, max_bytes + 1)
        except zlib.error:
            return b""
        if len(content) > max_bytes:
            raise too_large(max_bytes)
        is_whole = inflater.eof and not inflater.unused_data
        return content if is_whole else b""


# What the front keeps of a request's head.
HEADERS = frozenset(
    (
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"origin",
        b"transfer-encoding",
    )
)


@dataclasses.dataclass(slots=True)
class HttpAnswer:
    """An answer.

    Args:
        status: Its status.
        body: Its body.
        content_type: The type of the body.
    """

    status: int
    body: bytes
    content_type: str = "application/json"

    def written(self, date: bytes, *, is_last: bool, is_head: bool) -> bytes:
        """Returns it as it is sent.

        Args:
            date: The time now, for its header.
            is_last: Whether the connection ends with it.
            is_head: Whether only the head was asked for.
        """
        key = self.status, self.content_type
        start = _STARTS.get(key)
        if start is None:
            start = _STARTS[key] = (
                f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\n"
                f"content-type: {self.content_type}\r\n"
            ).encode()
        return b"%bdate: %b\r\n%bcontent-length: %d\r\n\r\n%b" % (
            start,
            date,
            b"connection: close\r\n" if is_last else b"",
            len(self.body),
            b"" if is_head else self.body,
        )


def refusal(error: ApiError) -> HttpAnswer:
    """Returns the answer to a request that fails."""
    return HttpAnswer(error.http_status, failure(error))


def too_large(max_bytes: int) -> ApiError:
    """Returns the error of a request whose body is too large."""
    return ApiError(
        Code.RESOURCE_EXHAUSTED,
        f"The request is larger than this server's limit of {max_bytes} bytes",
        http_status=413,
    )
