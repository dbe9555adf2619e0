"""What a client asks for, and as whom."""

import dataclasses
import pathlib
import ssl
from typing import Any


@dataclasses.dataclass(frozen=True)
class Certificates:
    """Whom a client trusts, and who it is, each a PEM file.

    Args:
        authority: The authority of the server's certificate; `None` for those
            of the system.
        key: The client's private key, where the server asks for one.
        certificate: The client's certificate.

    Raises:
        ValueError: If there is a key without a certificate, or the reverse.
    """

    authority: pathlib.Path | None = None
    key: pathlib.Path | None = None
    certificate: pathlib.Path | None = None

    def __post_init__(self) -> None:
        if (self.key is None) != (self.certificate is None):
            raise ValueError(
                "A client's key and certificate go together. "
                f"Received: key={self.key}, certificate={self.certificate}"
            )

    def context(self) -> ssl.SSLContext:
        """Returns them for HTTP."""
        context = ssl.create_default_context(cafile=self.authority)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def credentials(self) -> Any:
        """Returns them for gRPC."""
        import grpc

        return grpc.ssl_channel_credentials(
            *(
                None if path is None else path.read_bytes()
                for path in (self.authority, self.key, self.certificate)
            )
        )


@dataclasses.dataclass(frozen=True)
class Target:
    """The model that is asked for.

    Args:
        model: Its name.
        version: Number of its version, or `None`.
        label: Label of its version, or `None`.
        token: What to send as `Authorization: Bearer TOKEN`.
        certificates: For TLS; `None` for the system's.

    Raises:
        ValueError: If version and label are given both.
    """

    model: str
    version: int | None = None
    label: str | None = None
    token: str | None = None
    certificates: Certificates | None = None

    def __post_init__(self) -> None:
        if self.version is not None and self.label is not None:
            raise ValueError(
                "A version must be pinned by its number or its label, not by "
                f"both. Received: version={self.version}, label={self.label!r}"
            )

    @property
    def authorization(self) -> dict[str, str]:
        """The header that holds the token, if there is one."""
        if self.token is None:
            return {}
        return {"authorization": f"Bearer {self.token}"}
