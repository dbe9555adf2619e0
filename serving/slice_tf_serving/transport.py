"""What every way to a model server offers, and what it answers with."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from slice_tf_serving.dtypes import Array
from slice_tf_serving.specs import SignatureSpec


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


class Transport(Protocol):
    """A way to a model server."""

    def predict(
        self,
        signature: str,
        spec: SignatureSpec,
        inputs: Mapping[str, Array],
        outputs: Sequence[str],
        timeout: float,
    ) -> dict[str, Array]:
        """Runs a signature and returns the outputs, by name."""

    def metadata(self, timeout: float) -> Metadata:
        """Asks for the signatures of the model."""

    def status(self, timeout: float) -> list[VersionStatus]:
        """Asks for the state of the model's versions."""

    def close(self) -> None:
        """Closes connections."""
