"""Files and directories that are whole, or not there."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

_CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path` and renames it at the end.

    Where the body raises, the temporary file is removed and whatever stood at
    `path` stays as it was. Names of temporary files start with a dot, so that
    no shard pattern matches one.
    """
    final = pathlib.Path(path)
    temporary = _beside(final, "tmp")
    try:
        yield temporary
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def staged_directory(
    path: str | os.PathLike[str], replace: bool = False
) -> Iterator[pathlib.Path]:
    """Yields a new directory beside `path` that gets its name at the end.

    Its files are on the disk by then. Where the body raises or is
    interrupted, it is removed, and what stood at `path` stays as it was.

    Args:
        path: Must be absent or an empty directory at the end.
        replace: Whether another directory gives way instead. Between two
            renames there is none of that name.
    """
    final = pathlib.Path(os.path.abspath(path))
    final.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(final, "tmp")
    staging.mkdir()
    try:
        yield staging
        _sync(staging)
        if replace and final.is_dir():
            _swap(staging, final)
        else:
            staging.replace(final)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _beside(path: pathlib.Path, suffix: str) -> pathlib.Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.{suffix}")


def _sync(directory: pathlib.Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            with open(path, "rb") as stream:
                os.fsync(stream.fileno())


def _swap(new: pathlib.Path, path: pathlib.Path) -> None:
    """Puts a directory in place of an old one, which comes back if not."""
    old = _beside(path, "old")
    path.replace(old)
    try:
        new.replace(path)
    except BaseException:
        old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


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


def sha256_of(path: pathlib.Path) -> str:
    """Returns the digest of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
