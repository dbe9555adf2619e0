"""What several processes serve, told by whichever of them is asked."""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from slice_tf_serving.shared_files import SharedFiles

AVAILABLE, END, LOADING = "AVAILABLE", "END", "LOADING"
UNLOADING = "UNLOADING"


@dataclasses.dataclass(frozen=True)
class VersionState:
    """How far a version has come.

    Args:
        state: `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error: Why it could not be loaded; empty where nothing is wrong.
    """

    state: str
    error: str = ""


States = Mapping[str, Mapping[int, VersionState]]
Labels = Mapping[str, Mapping[str, int]]


class SharedStates:
    """The states of processes, each of which leaves its own for the others.

    Args:
        directory: One for all processes of a server; `None` where there is
            but this one.
    """

    def __init__(self, directory: str | os.PathLike[str] | None) -> None:
        self._files = SharedFiles(directory, "states")

    def leave(self, states: States, labels: Labels) -> None:
        """Leaves this process's states and labels, by model, for the others."""
        plain = {
            name: {
                number: dataclasses.astuple(one) for number, one in of.items()
            }
            for name, of in states.items()
        }
        self._files.leave(json.dumps([plain, labels]))

    def forget(self, pid: int) -> None:
        """Counts a process that has ended no longer."""
        self._files.forget(pid)

    def together(
        self, name: str, states: Mapping[int, VersionState]
    ) -> dict[int, VersionState]:
        """Returns the states of a model's versions over all processes.

        A version is available once it is everywhere, and at its end once it
        is nowhere.

        Args:
            name: Name of the model.
            states: Those of this process.
        """
        found: list[Mapping[int, VersionState]] = [states]
        for of, _ in self._others():
            found.append(
                {int(v): VersionState(*s) for v, s in of.get(name, {}).items()}
            )
        return {
            version: _least([one.get(version) for one in found])
            for version in sorted({v for one in found for v in one})
        }

    def agree(self, name: str, label: str, version: int) -> bool:
        """Tells whether a label leads to a version in all other processes."""
        return all(
            labels.get(name, {}).get(label) == version
            for _, labels in self._others()
        )

    def _others(self) -> Iterator[Any]:
        return map(json.loads, self._files.others())


def _least(states: list[VersionState | None]) -> VersionState:
    """Returns one state for several processes; `None` has not heard of it."""
    known = [one for one in states if one is not None]
    for one in known:
        if one.error or len(set(states)) == 1:
            return one
    kinds = {one.state for one in known}
    if kinds == {END}:
        return VersionState(END)
    return VersionState(UNLOADING if kinds & {UNLOADING, END} else LOADING)
