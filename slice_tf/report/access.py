"""Who may ask a local server for what."""

import dataclasses
import hmac
import http.cookies
import secrets
import urllib.parse
from collections.abc import Mapping

TOKEN_HEADER = "X-Slice-Tf-Token"
LARGEST_BODY = 64 * 1024


class RefusedError(Exception):
    """Why a request is refused.

    Args:
        status: HTTP status.
        reason: One sentence, without anything that the request said.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclasses.dataclass(frozen=True)
class Access:
    """Lets in whoever knows the token, from this server's own pages.

    Other programs of this machine, and pages of other sites that a browser
    shows, reach a loopback port too. A page of another site that points its
    name at this machine gives itself away by `Host`; one that sends a form
    or a script's request by `Origin`; neither has the cookie, which browsers
    keep to this site, and no page may set the token's header across sites.

    Args:
        port: The server's.
        token: What the address that is printed at the start holds.
    """

    port: int
    token: str = dataclasses.field(
        default_factory=lambda: secrets.token_urlsafe(24)
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Values of `Host` that mean this server."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def address(self) -> str:
        """Where a browser is let in."""
        return f"http://{self.hosts[0]}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """What a browser shall keep and send with each request."""
        return (
            f"{self._cookie_name}={self.token}; Path=/; HttpOnly; "
            "SameSite=Strict"
        )

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Refuses requests that were meant for another site.

        Raises:
            RefusedError: If `Host` is not this server's.
        """
        if headers.get("Host", "") not in self.hosts:
            raise RefusedError(403, "This server answers to its address alone.")

    def is_known(self, headers: Mapping[str, str], query: str) -> bool:
        """Returns whether the cookie or the address holds the token."""
        try:
            cookies = http.cookies.SimpleCookie(headers.get("Cookie", ""))
        except http.cookies.CookieError:
            return False
        kept = cookies.get(self._cookie_name)
        given = urllib.parse.parse_qs(query).get("token", [])
        return any(
            self._is_token(one) for one in (kept.value if kept else "", *given)
        )

    def check_read(self, headers: Mapping[str, str], query: str) -> None:
        """Refuses readers without the token.

        Raises:
            RefusedError: If neither the cookie nor the address holds it.
        """
        self.check_host(headers)
        if not self.is_known(headers, query):
            raise RefusedError(
                403, "Open the address that `slice-tf ui` printed: it lets in."
            )

    def check_write(self, headers: Mapping[str, str]) -> int:
        """Refuses what may not write, and returns the size of the body.

        Raises:
            RefusedError: If the token or origin is another, the body is no JSON
                by its type, of unknown size, or of more than 64 KiB.
        """
        self.check_read(headers, "")
        origins = {f"http://{host}" for host in self.hosts}
        if headers.get("Origin", "") not in origins:
            raise RefusedError(403, "Only this server's own pages may write.")
        if not self._is_token(headers.get(TOKEN_HEADER, "")):
            raise RefusedError(403, f"Writing needs {TOKEN_HEADER}.")
        if headers.get("Content-Type", "") != "application/json":
            raise RefusedError(415, "A body must be of type application/json.")
        length = headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise RefusedError(411, "A body must come with its Content-Length.")
        if len(length) > 9 or int(length) > LARGEST_BODY:
            raise RefusedError(
                413, f"A body must be of {LARGEST_BODY} bytes at most."
            )
        return int(length)

    @property
    def _cookie_name(self) -> str:
        # Cookies are kept by host, not by port: servers must not share one.
        return f"slice_tf_{self.port}"

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())
