"""The client's way over HTTP, with nothing but the standard library."""

import http.client
import threading

from slice_tf_serving.client.errors import too_late, unreachable
from slice_tf_serving.client.http_codec import HttpCodec
from slice_tf_serving.client.server_url import ServerUrl
from slice_tf_serving.client.target import Certificates, Target
from slice_tf_serving.client.transport import Answer, Call


class HttpTransport:
    """Keeps one connection to a server.

    Args:
        url: The server.
        target: The model, and who asks.
        codec: What reads answers.
    """

    def __init__(
        self, url: ServerUrl, target: Target, codec: HttpCodec
    ) -> None:
        self._url = str(url)
        self._codec = codec
        self._headers = target.authorization
        self._connection = _connection(url, target)
        self._lock = threading.Lock()

    def send(self, call: Call[Answer], timeout: float) -> Answer:
        try:
            with self._lock:
                status, content = self._exchange(call.path, call.body, timeout)
        except TimeoutError as error:
            text = f"no answer within {timeout} s"
            raise too_late(self._url, text) from error
        except (OSError, http.client.HTTPException) as error:
            text = str(error) or type(error).__name__
            raise unreachable(self._url, text) from error
        return call.read(self._codec.answer(status, content))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _exchange(
        self, path: str, body: bytes | None, timeout: float
    ) -> tuple[int, bytes]:
        """Sends a request; once more where the server has hung up before."""
        connection = self._connection
        is_kept = connection.sock is not None
        try:
            return self._once(path, body, timeout)
        except (ConnectionError, http.client.BadStatusLine):
            connection.close()
            if not is_kept:
                raise
        except BaseException:
            connection.close()  # Half an answer may still be on its way.
            raise
        return self._once(path, body, timeout)

    def _once(
        self, path: str, body: bytes | None, timeout: float
    ) -> tuple[int, bytes]:
        connection = self._connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        method = "GET" if body is None else "POST"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def _connection(url: ServerUrl, target: Target) -> http.client.HTTPConnection:
    if not url.is_secure:
        return http.client.HTTPConnection(url.host, url.port)
    certificates = target.certificates or Certificates()
    return http.client.HTTPSConnection(
        url.host, url.port, context=certificates.context()
    )
