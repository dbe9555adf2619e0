"""Who may ask: TLS, client certificates and a token."""

import dataclasses
import hmac
import pathlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

SCHEME = "Bearer "
_HEALTH = "/grpc.health.v1.Health/"


@dataclasses.dataclass(frozen=True)
class Tls:
    """Key and certificates of a server, each a PEM file.

    Args:
        key: The private key.
        certificate: The certificate, with those between it and the root.
        client_ca: The authority of clients' certificates. Where it is given,
            only clients with one are answered.

    Raises:
        FileNotFoundError: If a file is missing.
    """

    key: pathlib.Path
    certificate: pathlib.Path
    client_ca: pathlib.Path | None = None

    def __post_init__(self) -> None:
        for name, path in dataclasses.asdict(self).items():
            if path is not None and not pathlib.Path(path).is_file():
                raise FileNotFoundError(
                    f"`{name}` must be a PEM file. Received: {name}={path}"
                )

    def context(self) -> ssl.SSLContext:
        """Returns them for HTTP."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def credentials(self) -> Any:
        """Returns them for gRPC."""
        pair = self.key.read_bytes(), self.certificate.read_bytes()
        root = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_credentials([pair], root, root is not None)


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without the token; health may be asked by anyone.

    Args:
        token: What callers must know.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        if details.method.startswith(_HEALTH):
            return await continuation(details)
        sent = dict(details.invocation_metadata).get("authorization", "")
        if is_allowed(self._token, sent):
            return await continuation(details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def is_allowed(token: str | None, authorization: str | bytes) -> bool:
    """Tells whether an `Authorization` header holds the token."""
    if token is None:
        return True
    if isinstance(authorization, str):
        authorization = authorization.encode()
    return hmac.compare_digest(authorization, (SCHEME + token).encode())


async def _refuse(request: Any, context: Any) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, UNAUTHENTICATED)


UNAUTHENTICATED = "The request must carry this server's token."
