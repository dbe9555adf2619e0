"""The versions of a model, below its base directory."""

import os
import pathlib

MAX_VERSION = 2**63 - 1


def list_versions(
    base_dir: str | os.PathLike[str],
) -> list[tuple[int, pathlib.Path]]:
    """Returns numbers and paths of all versions, the newest last.

    As in TensorFlow Serving, a directory whose name is not a whole number is
    none.
    """
    return [one for one in numbered(base_dir) if one[1].is_dir()]


def numbered(
    base_dir: str | os.PathLike[str],
) -> list[tuple[int, pathlib.Path]]:
    """Returns whatever has a whole number for a name, the greatest last."""
    base = pathlib.Path(base_dir)
    found = [
        (int(path.name), path)
        for path in (base.iterdir() if base.is_dir() else ())
        if path.name.isascii() and path.name.isdecimal()
    ]
    return sorted(one for one in found if one[0] <= MAX_VERSION)


def newest_version(
    base_dir: str | os.PathLike[str],
) -> tuple[int, pathlib.Path]:
    """Returns number and path of the newest version.

    Raises:
        FileNotFoundError: If there is none.
    """
    versions = list_versions(base_dir)
    if not versions:
        base = pathlib.Path(base_dir)
        hint = (
            "It is a SavedModel itself: put it there with `slice-tf publish`."
            if (base / "saved_model.pb").is_file()
            else "`slice-tf publish` puts one there."
        )
        raise FileNotFoundError(
            "A base directory must hold a version, which is a SavedModel in a "
            "directory whose name is a whole number. Received: "
            f"base_dir={base}, exists={base.is_dir()}. {hint}"
        )
    return versions[-1]


def version_after(newest: int, version: int | None, base: object) -> int:
    """Returns the number of the version to publish.

    Args:
        newest: The greatest number that is taken; 0 for none.
        version: The number that is asked for; `None` takes the next.
        base: Where versions are, for messages.

    Raises:
        FileExistsError: If it is not greater than all that are there.
        ValueError: If it is no version's number.
    """
    number = newest + 1 if version is None else version
    if not 0 < number <= MAX_VERSION:
        raise ValueError(
            "A version must be a positive 64-bit integer. "
            f"Received: version={number}"
        )
    if number <= newest:
        raise FileExistsError(
            "A version must be greater than all before it, because a server "
            "takes the greatest and never looks at one again. "
            f"Received: version={number}, newest={newest}, base_dir={base}"
        )
    return number
