"""What every way to a model server offers, and what it answers with."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from slice_tf_serving.dtypes import Array
from slice_tf_serving.specs import SignatureSpec

Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a server says of a model.

    Args:
        model: Name of the model.
        version: The version that answered.
        signatures: What each signature takes and gives, by name.
    """

    model: str
    version: int
    signatures: Mapping[str, SignatureSpec]


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The state of one version of a model.

    Args:
        version: Number of the version.
        state: Such as `LOADING`, `AVAILABLE` or `END`.
        error: Why it is not available; empty where nothing is wrong.
    """

    version: int
    state: str
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request, ready to be sent, and how to read its answer.

    Args:
        path: Of the method, or of the URL.
        body: What is sent; `None` for nothing.
        read: Returns what the body of an answer holds.
    """

    path: str
    body: bytes | None
    read: Callable[[Any], Answer]


class Codec(Protocol):
    """Writes requests and reads answers."""

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
    ) -> Call[dict[str, Array]]:
        """Runs a signature and returns the outputs, by name."""

    def metadata(self) -> Call[Metadata]:
        """Asks for the signatures of the model."""

    def status(self) -> Call[list[VersionStatus]]:
        """Asks for the state of the model's versions."""


class Transport(Protocol):
    """A way to a model server."""

    def send(self, call: Call[Answer], timeout: float) -> Answer:
        """Sends a request and returns the answer."""

    def close(self) -> None:
        """Closes connections."""


class AsyncTransport(Protocol):
    """A way to a model server that lets others work meanwhile."""

    def send(self, call: Call[Answer], timeout: float) -> Awaitable[Answer]:
        """Sends a request and returns the answer."""

    async def close(self) -> None:
        """Closes connections."""
