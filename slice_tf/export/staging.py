"""A directory that gets its name when it is whole."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

MARKER = "saved_model.pb"


@contextlib.contextmanager
def staged(
    directory: str | os.PathLike[str], overwrite: bool
) -> Iterator[pathlib.Path]:
    """Yields a new sibling directory that is renamed at the end.

    Where the body raises or is interrupted, the sibling is removed and what
    stood at `directory` stays as it was.

    Args:
        directory: Local path.
        overwrite: Whether a SavedModel that stands there is replaced.

    Raises:
        FileExistsError: If something stands there that may not be replaced.
    """
    path = pathlib.Path(os.path.abspath(directory))
    check_target(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    staging.mkdir()
    try:
        yield staging
        _swap(staging, path, overwrite)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def check_target(path: pathlib.Path, overwrite: bool) -> None:
    """Refuses a target that holds what would be lost.

    Raises:
        FileExistsError: If it is no directory, or not empty and not a
            SavedModel that `overwrite` gives up.
    """
    if not path.exists() and not path.is_symlink():
        return
    if path.is_dir():
        if not any(path.iterdir()):
            return
        if overwrite and (path / MARKER).is_file():
            return
    hint = (
        "It holds no SavedModel, so that `overwrite` does not replace it."
        if overwrite
        else "Name another, or pass `overwrite` to replace a SavedModel."
    )
    raise FileExistsError(
        "A SavedModel must go to a new or empty directory, because nothing of "
        f"yours is overwritten. Received: directory={path}. {hint}"
    )


def _swap(staging: pathlib.Path, path: pathlib.Path, overwrite: bool) -> None:
    """Puts the new directory in place of an old one, which comes back if not.

    Between the two renames there is no directory of that name; a model server
    watches a base directory that `publish` fills, not this one.
    """
    check_target(path, overwrite)
    if not path.is_dir() or not any(path.iterdir()):
        staging.replace(path)
        return
    old = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
    path.replace(old)
    try:
        staging.replace(path)
    except BaseException:
        old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
