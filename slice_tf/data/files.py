"""Files that get their final name only when they are whole."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path` and renames it at the end.

    Where the body raises, the temporary file is removed and whatever stood at
    `path` stays as it was. Names of temporary files start with a dot, so that
    no shard pattern matches one.
    """
    final = pathlib.Path(path)
    temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
