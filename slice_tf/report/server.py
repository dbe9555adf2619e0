"""A local web server for pages of results, and for what people say there."""

import http.server
import json
import logging
import pathlib
import sys
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from slice_tf.report.access import Access, RefusedError
from slice_tf.report.desk import Desk
from slice_tf.report.rows import Rows

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 15
_POLL_SECONDS = 0.05  # How long an end may wait.
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
}

logger = logging.getLogger("slice_tf.ui")


class ReviewServer(http.server.ThreadingHTTPServer):
    """Serves a directory of results on the loopback interface.

    ```python
    with ReviewServer(pathlib.Path("evaluations")) as server:
        print(server.access.address)
        ...
    ```

    Args:
        directory: Where results are, and reviews are written.
        port: A free one where 0.
        rows: What discovery runs there were made from, to split groups.

    Attributes:
        access: The address with its token.
    """

    daemon_threads = True

    def __init__(
        self, directory: pathlib.Path, port: int = 0, rows: Rows | None = None
    ) -> None:
        desk = Desk(directory, rows)
        super().__init__((HOST, port), _Handler)
        self.access = Access(self.server_address[1])
        self.desk = desk
        # Writes come one at a time, and the last is whole before an exit.
        self.writing = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Notes what went wrong on a connection; the next is served."""
        # A browser that closed its tab is no news to whoever started us.
        gone = isinstance(sys.exc_info()[1], ConnectionError)
        level = logging.DEBUG if gone else logging.ERROR
        logger.log(level, "a request failed", exc_info=not gone)

    def __enter__(self) -> "ReviewServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        with self.writing:
            self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE_SECONDS
    server: ReviewServer

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._write)

    def version_string(self) -> str:
        return "slice-tf"

    def log_message(self, format: str, *args: Any) -> None:
        # Without the address, which may hold the token. A connection that
        # timed out asked for nothing.
        logger.debug("%s answered", getattr(self, "command", "nothing"))

    def _named(self) -> dict[str, str]:
        """Returns the request's headers; names come in any case."""
        return {name.title(): text for name, text in self.headers.items()}

    def _answer(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RefusedError as refusal:
            self._refuse(refusal.status, refusal.reason)
        except KeyError:
            self._refuse(404, "There is no such page.")
        except ValueError as error:
            self._refuse(400, str(error))
        except ConnectionError:
            raise  # Nobody is there to be told.
        except OSError as error:
            self._refuse(500, f"{type(error).__name__}: {error.strerror}")

    def _read(self) -> None:
        access = self.server.access
        place = urllib.parse.urlsplit(self.path)
        headers = self._named()
        access.check_read(headers, place.query)
        query = dict(urllib.parse.parse_qsl(place.query))
        if query.pop("token", None):
            # The token leaves the address bar, and history with it.
            clean = urllib.parse.urlencode(query)
            where = f"{_local(place.path)}{'?' if clean else ''}{clean}"
            more = {"Location": where, "Set-Cookie": access.cookie}
            self._send(303, b"", "text/plain", more)
            return
        page = self.server.desk.page(place.path, query, access.token)
        self._send(200, page.encode(), "text/html; charset=utf-8")

    def _write(self) -> None:
        length = self.server.access.check_write(self._named())
        body = self.rfile.read(length)
        try:
            values = json.loads(body)
        except (RecursionError, ValueError) as error:
            raise RefusedError(400, "A body must be JSON.") from error
        if not isinstance(values, dict):
            raise RefusedError(400, "A body must be a JSON object.")
        path = urllib.parse.urlsplit(self.path).path
        with self.server.writing:
            told = self.server.desk.write(path, values)
        self._send(200, _json(told), "application/json")

    def _refuse(self, status: int, reason: str) -> None:
        # What is left of the body must not be taken for another request.
        self.close_connection = True
        self._send(status, _json({"error": reason}), "application/json")

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        headers = {**_HEADERS, "Content-Type": kind, **(more or {})}
        headers["Content-Length"] = str(len(body))
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _local(path: str) -> str:
    """Returns a path that cannot be read as the address of another host."""
    return "/" + urllib.parse.quote(path.lstrip("/\\"))


def _json(values: Any) -> bytes:
    return json.dumps(values, allow_nan=False).encode()
