"""The URL of a model server."""

import dataclasses
import urllib.parse

_PORTS = {"grpc": 8500, "grpcs": 8500, "http": 8501, "https": 8501}


@dataclasses.dataclass(frozen=True)
class ServerUrl:
    """A URL, read.

    Args:
        host: Its host.
        port: Its port.
        is_grpc: Whether it stands for gRPC, and not for REST.
        is_secure: Whether to speak TLS.
    """

    host: str
    port: int
    is_grpc: bool
    is_secure: bool

    @classmethod
    def of(cls, url: str) -> "ServerUrl":
        """Reads a URL.

        Raises:
            ValueError: If it is malformed.
        """
        parts = urllib.parse.urlsplit(url)
        port = _port(parts)
        if parts.scheme not in _PORTS or not parts.hostname or port is None:
            raise ValueError(
                "`url` must be grpc://host:port or http://host:port, or "
                f"grpcs:// or https://. Received: url={url!r}"
            )
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                "`url` must end after the port, because the model is named "
                f"apart. Received: url={url!r}"
            )
        scheme = parts.scheme
        return cls(
            parts.hostname,
            port,
            scheme.startswith("grpc"),
            scheme.endswith("s"),
        )

    @property
    def address(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        scheme = "grpc" if self.is_grpc else "http"
        return f"{scheme}{'s' * self.is_secure}://{self.address}"


def _port(parts: urllib.parse.SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
