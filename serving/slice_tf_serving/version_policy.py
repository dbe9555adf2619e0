"""Which of a model's versions are to be served."""

import dataclasses
import pathlib
from collections.abc import Sequence

Versions = Sequence[tuple[int, pathlib.Path]]


@dataclasses.dataclass(frozen=True)
class VersionPolicy:
    """A choice among the versions that lie in a base directory.

    Make one with `latest`, `every` or `specific`.

    Args:
        newest: How many of the greatest numbers to serve; `None` for any.
        numbers: The only ones to serve; none stands for any.
    """

    newest: int | None = 1
    numbers: tuple[int, ...] = ()

    @classmethod
    def latest(cls, count: int = 1) -> "VersionPolicy":
        """Serves the `count` greatest numbers.

        Raises:
            ValueError: If the count is not positive.
        """
        if count < 1:
            raise ValueError(
                "A policy must serve at least one version. "
                f"Received: count={count}"
            )
        return cls(count)

    @classmethod
    def every(cls) -> "VersionPolicy":
        """Serves all versions, however many there are."""
        return cls(None)

    @classmethod
    def specific(cls, *numbers: int) -> "VersionPolicy":
        """Serves these numbers, whatever else lies there.

        Raises:
            ValueError: If there is none.
        """
        if not numbers:
            raise ValueError(
                "A policy must name at least one version. Received: numbers=()"
            )
        return cls(None, tuple(sorted(set(numbers))))

    def chosen(self, versions: Versions) -> Versions:
        """Returns those of the versions that are to be served.

        Args:
            versions: Numbers and paths, the greatest last.
        """
        if self.numbers:
            return [one for one in versions if one[0] in self.numbers]
        return versions if self.newest is None else versions[-self.newest :]
