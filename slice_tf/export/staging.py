"""A directory that gets its name when it is whole."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from slice_tf.files import staged_directory

MARKER = "saved_model.pb"


@contextlib.contextmanager
def staged(
    directory: str | os.PathLike[str], overwrite: bool
) -> Iterator[pathlib.Path]:
    """Yields a new sibling directory that is renamed at the end.

    A model server may miss what is replaced for a moment; it watches a base
    directory that `publish` fills, not this one.

    Args:
        directory: Local path.
        overwrite: Whether a SavedModel that stands there is replaced.

    Raises:
        FileExistsError: If something stands there that may not be replaced.
    """
    path = pathlib.Path(os.path.abspath(directory))
    check_target(path, overwrite)
    with staged_directory(path, replace=overwrite) as staging:
        yield staging
        check_target(path, overwrite)


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
