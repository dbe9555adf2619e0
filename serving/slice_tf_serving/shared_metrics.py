"""Metrics of several processes, told by whichever of them is asked."""

import os
import pathlib
from collections.abc import Iterable

_SUFFIX = ".metrics"


class SharedMetrics:
    """Files in which processes leave their metrics for one another.

    What a process that has ended counted stays in the sums, so that they
    never fall.

    Args:
        directory: One for all processes of a server, and for nothing else.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = pathlib.Path(directory)
        self._mine = self._directory / f"{os.getpid()}{_SUFFIX}"

    def leave(self, text: str) -> None:
        """Leaves this process's metrics for the others."""
        hidden = self._mine.with_suffix(".tmp")
        hidden.write_text(text, encoding="utf-8")
        hidden.replace(self._mine)

    def together(self, text: str) -> str:
        """Returns the sums over all processes.

        Args:
            text: What this one has counted up to now.
        """
        others = [
            path.read_text(encoding="utf-8")
            for path in sorted(self._directory.glob(f"*{_SUFFIX}"))
            if path != self._mine
        ]
        return added([text, *others])


def added(texts: Iterable[str]) -> str:
    """Adds up metrics in Prometheus' text form, line by line."""
    families: dict[str, dict[str, float]] = {}
    for text in texts:
        head = ""
        for line in text.splitlines():
            if line.startswith("# HELP"):
                head = line
            elif line.startswith("#"):
                head = f"{head}\n{line}"
                families.setdefault(head, {})
            else:
                name, _, value = line.rpartition(" ")
                samples = families[head]
                samples[name] = samples.get(name, 0) + float(value)
    return "".join(
        f"{head}\n" + "".join(f"{k} {_number(v)}\n" for k, v in samples.items())
        for head, samples in sorted(families.items())
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
