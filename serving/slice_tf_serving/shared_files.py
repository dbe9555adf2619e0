"""What processes that serve at the same ports leave for one another."""

import contextlib
import os
import pathlib

from slice_tf.files import write_text


class SharedFiles:
    """One text a process, which the others read.

    Args:
        directory: One for all processes of a server, and for nothing else;
            `None` where there is but this one.
        kind: What the texts hold; it tells them from others there.
    """

    def __init__(
        self, directory: str | os.PathLike[str] | None, kind: str
    ) -> None:
        self._directory = None if directory is None else pathlib.Path(directory)
        self._kind = kind

    def leave(self, text: str) -> None:
        """Leaves this process's text for the others."""
        if self._directory is not None:
            write_text(self._directory / f"{os.getpid()}.{self._kind}", text)

    def forget(self, pid: int) -> None:
        """Removes what a process that has ended has left."""
        if self._directory is not None:
            path = self._directory / f"{pid}.{self._kind}"
            path.unlink(missing_ok=True)

    def others(self) -> list[str]:
        """Returns what the other processes have left."""
        texts: list[str] = []
        if self._directory is not None:
            for path in sorted(self._directory.glob(f"*.{self._kind}")):
                if path.stem == str(os.getpid()):
                    continue
                with contextlib.suppress(FileNotFoundError):  # forgotten since
                    texts.append(path.read_text(encoding="utf-8"))
        return texts
