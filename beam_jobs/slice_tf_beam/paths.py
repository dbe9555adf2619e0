"""Files on any file system that Beam knows.

No path of data goes through `os.path` here, but for local ones to become
absolute: `gs://bucket/a` is a path too.
"""

import contextlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

# Hidden, so that no shard pattern matches what is not whole.
TEMPORARY_PREFIX = ".tmp-"

_PATTERN_CHARACTERS = re.compile(r"[*?\[]")


def absolute(path: str) -> str:
    """Returns a local path as an absolute one, and any other as it is."""
    return os.path.abspath(path) if is_local(path) else path


def is_local(path: str) -> bool:
    """Tells whether a path is of this machine's own file system."""
    return FileSystems.get_scheme(path) is None


def same_place(one: str, other: str) -> bool:
    """Tells whether two directories are one, through links too."""
    return _real(one) == _real(other)


def join(directory: str, name: str) -> str:
    """Returns the path of a file in a directory."""
    joined: str = FileSystems.join(directory, name)
    return joined


def name_of(path: str) -> str:
    """Returns the last part of a path."""
    name: str = FileSystems.split(path)[1]
    return name


def directory_of(path: str) -> str:
    """Returns all but the last part of a path."""
    directory: str = FileSystems.split(path)[0]
    return directory


def is_pattern(path: str) -> bool:
    """Tells whether Beam takes a path for a pattern."""
    return _PATTERN_CHARACTERS.search(path) is not None


def match(pattern: str) -> list[Any]:
    """Returns Beam's metadata of the files that match, sorted by path."""
    (result,) = FileSystems.match([pattern])
    return sorted(result.metadata_list, key=lambda file: file.path)


def list_directory(directory: str) -> dict[str, Any]:
    """Returns name to Beam's metadata of the files right in a directory."""
    inside = directory.rstrip("/") + "/"
    # Beam's patterns have no way to quote, so one matches more than wanted.
    pattern = _PATTERN_CHARACTERS.sub("?", inside) + "*"
    return {
        name_of(file.path): file
        for file in match(pattern)
        if file.path.startswith(inside)
    }


def open_to_read(path: str) -> Any:
    """Opens a file's bytes as they are, gzip or not."""
    return FileSystems.open(
        path, compression_type=CompressionTypes.UNCOMPRESSED
    )


def open_to_write(path: str) -> Any:
    """Creates a file whose bytes are what is written."""
    return FileSystems.create(
        path, compression_type=CompressionTypes.UNCOMPRESSED
    )


def exists(path: str) -> bool:
    """Tells whether there is such a file, or directory where there are any."""
    return bool(FileSystems.exists(path))


def is_directory(path: str) -> bool:
    """Tells a directory from a file; an object store may know neither."""
    return exists(path.rstrip("/") + "/")


def make_directory(path: str) -> None:
    """Creates a directory and those above it."""
    FileSystems.mkdirs(path)


def remove(paths: Sequence[str]) -> None:
    """Removes files, all of which must be there."""
    if paths:
        FileSystems.delete(list(paths))


def temporary(directory: str, name: str) -> str:
    """Returns a path that no other attempt uses and no reader matches."""
    return join(directory, f"{TEMPORARY_PREFIX}{name}-{uuid.uuid4().hex}")


def is_temporary(name: str) -> bool:
    """Tells whether a file's name is one that `temporary` gave."""
    return name.startswith(TEMPORARY_PREFIX)


def rename(source: str, target: str) -> None:
    """Gives a whole file its final name."""
    FileSystems.rename([source], [target])


def discard(paths: Iterable[str]) -> None:
    """Removes files, those that are gone already included."""
    for path in paths:
        with contextlib.suppress(OSError):
            FileSystems.delete([path])


def write_text(path: str, text: str) -> None:
    """Writes a file under a temporary name and renames it when it is whole."""
    partial = temporary(directory_of(path), name_of(path))
    try:
        with open_to_write(partial) as stream:
            stream.write(text.encode())
        rename(partial, path)
    except BaseException:
        discard([partial])
        raise


def read_json(path: str) -> Any:
    """Returns what a JSON file holds.

    Raises:
        ValueError: If it is no JSON; the message names it.
    """
    with open_to_read(path) as stream:
        text = stream.read()
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"A file must hold JSON. Received: file={path}, error={error}"
        ) from error


def _real(path: str) -> str:
    return os.path.realpath(path) if is_local(path) else path.rstrip("/")
