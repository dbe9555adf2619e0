"""Files that are whole, or not there."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any


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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a UTF-8 file that appears only when it is whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """Returns the object in a JSON file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds no JSON object; the message names it.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"A file must hold JSON. Received: file={path}, error={error}"
        ) from error
    if not isinstance(values, dict):
        raise ValueError(
            "A file must hold a JSON object. Received: "
            f"file={path}, type={type(values).__name__}"
        )
    return values
