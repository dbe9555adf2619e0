"""HTTP connections that must say what they want."""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """Knows since when the head of a request is awaited.

    uvicorn ends connections that idle between two requests, but waits for the
    first head, and for the rest of any, for ever.
    """

    awaited_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.awaited_since = self.loop.time()

    def on_message_begin(self) -> None:
        self.awaited_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.awaited_since = None
        super().on_headers_complete()


async def give_up_late_heads(
    connections: Iterable[Any], seconds: float
) -> None:
    """Closes connections whose head does not come in time, for ever.

    Args:
        connections: Those of a server, as they come and go.
        seconds: How long a head may take; it may be a quarter more.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(seconds / 4)
        late = loop.time() - seconds
        for one in list(connections):
            since = getattr(one, "awaited_since", None)
            if since is not None and since < late:
                one.transport.close()
