"""How long slicing functions took."""

import dataclasses
from collections.abc import Sequence
from typing import Any

FORMAT_VERSION = 1
FILE_NAME = "costs.json"


@dataclasses.dataclass(frozen=True)
class Costs:
    """How long slicing functions took, on the clock of the wall.

    Unlike all else that a job writes, no two runs measure the same; that is
    why it stands in a file of its own.

    Args:
        num_examples: Number of examples they were asked about.
        seconds: Of each function over all of these, in schema order.
    """

    num_examples: int
    seconds: tuple[float, ...]

    @classmethod
    def nothing(cls, num_slices: int) -> "Costs":
        """Returns the costs of no example."""
        return cls(0, (0.0,) * num_slices)

    def plus(self, num_examples: int, seconds: Sequence[float]) -> "Costs":
        """Returns the costs of these examples and of others."""
        both = zip(self.seconds, seconds, strict=True)
        return Costs(
            self.num_examples + num_examples, tuple(a + b for a, b in both)
        )

    @property
    def microseconds(self) -> list[float]:
        """What an example costs, one a function."""
        return [1e6 * one / max(1, self.num_examples) for one in self.seconds]

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """Returns plain JSON values.

        Args:
            names: Of the slices, in schema order.
        """
        rounded = [float(f"{one:.4g}") for one in self.microseconds]
        return {
            "format_version": FORMAT_VERSION,
            "num_examples": self.num_examples,
            "microseconds": dict(zip(names, rounded, strict=True)),
        }
