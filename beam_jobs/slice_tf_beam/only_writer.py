"""One job at a time in a directory."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from slice_tf_beam import paths

# Hidden, so that no shard pattern matches it.
_NAME = ".lock"


@contextlib.contextmanager
def only_writer(output_dir: str) -> Iterator[None]:
    """Refuses a second job in an existing local directory while one runs.

    The system lets go of the lock however a process ends. Elsewhere, as on an
    object store, there is no lock to be had, and nothing is checked.

    Raises:
        ValueError: If another job writes to the directory.
    """
    if not paths.is_local(output_dir):
        yield
        return
    path = os.path.join(output_dir, _NAME)
    with open(path, "a+", encoding="utf-8") as lock:
        _take(lock.fileno(), path, output_dir)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            os.unlink(path)


def _take(lock: int, path: str, output_dir: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino != os.stat(path).st_ino:
            raise BlockingIOError  # a new lock took the place of an old one
    except (BlockingIOError, FileNotFoundError):
        raise ValueError(
            "Only one job may write to a directory, because each removes what "
            f"dead ones left. Received: output_dir={output_dir}, which process "
            f"{_read(path)} writes to. Wait for it, or name another directory."
        ) from None
    except OSError:
        return  # a file system without locks


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as stream:
        return stream.read() or "unknown"
    return "unknown"
