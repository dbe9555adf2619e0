"""The HTTP front: what listens, and looks after its connections."""

import asyncio
import email.utils
import socket
import ssl
import time

from slice_tf_serving.limits import Limits
from slice_tf_serving.rest.connection import App, Common, HttpConnection

_LOOK_SECONDS = 1.0  # at most, between two looks at connections
_POLL_SECONDS = 0.005


class HttpFront:
    """Serves HTTP/1.1.

    Much of what general servers do is left out, and with it half of their
    cost: a request is handed to the app when it is whole, and no task is made
    for it.

    Args:
        app: What answers.
        limits: How large and slow a request may be.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self._common = Common(app, limits)
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None

    async def start(
        self, listener: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        """Takes connections.

        Args:
            listener: A socket that listens; closed at the end.
            tls: How to speak TLS; `None` for plain connections.
        """
        loop = asyncio.get_running_loop()
        self._looking = asyncio.create_task(self._look())
        self._server = await loop.create_server(
            lambda: HttpConnection(self._common),
            sock=listener,
            ssl=tls,
            backlog=socket.SOMAXCONN,
        )

    async def stop(self, seconds: float) -> None:
        """Answers what has arrived, then closes all connections.

        Args:
            seconds: Time that callers and models have to end.
        """
        if self._server is None or self._looking is None:
            return
        self._server.close()
        self._common.is_stopping = True
        await asyncio.sleep(_POLL_SECONDS)  # What has come is read.
        for one in list(self._common.connections):
            one.end_if_idle()
        end = time.monotonic() + seconds
        while self._common.connections and time.monotonic() < end:
            await asyncio.sleep(_POLL_SECONDS)
        for one in list(self._common.connections):
            one.abort()
        self._looking.cancel()

    async def _look(self) -> None:
        """Keeps the date, and closes connections that are late, for ever."""
        loop, common = asyncio.get_running_loop(), self._common
        pause = min(_LOOK_SECONDS, common.limits.body_seconds / 4)
        while True:
            common.date = email.utils.formatdate(usegmt=True).encode()
            await asyncio.sleep(pause)
            for one in list(common.connections):
                one.end_if_late(loop.time())
