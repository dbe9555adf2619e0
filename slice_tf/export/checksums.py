"""Checksums of an export, by which a copy of it is known to be whole."""

import os
import pathlib

from slice_tf.export.signatures import CHECKSUMS_FILE
from slice_tf.files import sha256_of


def write_checksums(directory: str | os.PathLike[str]) -> pathlib.Path:
    """Writes the SHA-256 of every file below a directory.

    The file is in the form of coreutils, so that
    `sha256sum --check assets.extra/SHA256SUMS` in the SavedModel's directory
    tells whether a copy is whole.

    Returns:
        The path of the file.
    """
    root = pathlib.Path(directory)
    path = root / CHECKSUMS_FILE
    path.parent.mkdir(exist_ok=True)
    files = sorted(
        file.relative_to(root).as_posix()
        for file in root.rglob("*")
        if file.is_file() and file != path
    )
    lines = [f"{sha256_of(root / name)}  {name}\n" for name in files]
    path.write_text("".join(lines), encoding="utf-8")
    return path
