"""Checks a copy of an export against its checksums."""

import pathlib

from slice_tf.export.signatures import CHECKSUMS_FILE
from slice_tf.files import sha256_of, write_text


def check_files(directory: pathlib.Path) -> None:
    """Refuses an export of which a file is missing or differs.

    Raises:
        ValueError: If there are no checksums, or they are not met; the
            message names the files.
    """
    expected = _read(directory)
    missing = [name for name in expected if not (directory / name).is_file()]
    if missing:
        raise ValueError(
            "An export must be whole to be published, because a model server "
            "would load what is there and drop the version before. Received: "
            f"directory={directory}, missing={', '.join(missing)}. Copy or "
            "export it again."
        )
    changed = [
        name
        for name, digest in expected.items()
        if sha256_of(directory / name) != digest
    ]
    if changed:
        raise ValueError(
            "An export must be as it was written, because half a file loads "
            "as well as a whole one. Received: "
            f"directory={directory}, changed={', '.join(changed)}. Copy or "
            "export it again."
        )


def refresh_checksum(directory: pathlib.Path, name: str) -> None:
    """Enters the checksum of a file that was added or written anew.

    Does nothing for a SavedModel without checksums.
    """
    path = directory / CHECKSUMS_FILE
    if not path.is_file():
        return
    lines = {**_read(directory), name: sha256_of(directory / name)}
    write_text(path, "".join(f"{lines[one]}  {one}\n" for one in sorted(lines)))


def _read(directory: pathlib.Path) -> dict[str, str]:
    path = directory / CHECKSUMS_FILE
    if not path.is_file():
        raise ValueError(
            "A SavedModel must have the checksums that `slice-tf export` "
            "writes, because they tell a whole copy from half of one. "
            f"Received: directory={directory}, missing={CHECKSUMS_FILE}"
        )
    digests = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        digests[name] = digest
    if not digests or not all(digests):
        raise ValueError(
            f"Checksums must be lines of digest and name. Received: file={path}"
        )
    return digests
