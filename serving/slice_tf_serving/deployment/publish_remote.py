"""Publishing where there is no atomic rename: object stores."""

import os
import pathlib
import tempfile
from collections.abc import Sequence

from slice_tf.export.signatures import CONTRACT_FILE, WARMUP_FILE
from slice_tf.files import read_json
from slice_tf_serving.deployment.checksums import check_files
from slice_tf_serving.deployment.contract_changes import (
    Contract,
    check_contract,
)
from slice_tf_serving.versions import version_after

_LAST = "saved_model.pb"


def publish_remote(
    saved_model_dir: str | os.PathLike[str],
    base_url: str,
    version: int | None = None,
    *,
    new_contract: bool = False,
) -> str:
    """Copies an export to the next version below a URL.

    `saved_model.pb` is copied last, because without it no server takes a
    directory for a model. Yet a server that polls meanwhile may try, and give
    the version up: let it serve `specific` versions, and name this one when
    the copy is done; `canary_plan` writes such configurations.

    Args:
        saved_model_dir: What `slice-tf export` wrote, with its warm-up
            requests.
        base_url: Such as `gs://bucket/models/digits`: any place TensorFlow
            can write to.
        version: Number of the version, greater than all that are there.
            `None` takes the next.
        new_contract: Whether what the version takes and gives, or its slices,
            may break callers of the newest one.

    Returns:
        The URL of the version.

    Raises:
        FileExistsError: If the version is not greater than all that are
            there.
        ValueError: If the export is not whole, lacks its warm-up requests, or
            breaks the callers of the newest version.
    """
    import tensorflow as tf

    source = pathlib.Path(saved_model_dir)
    check_files(source)
    if not (source / WARMUP_FILE).is_file():
        raise ValueError(
            "An export must have warm-up requests, because they keep a server "
            "from taking half a version. "
            f"Received: saved_model_dir={source}, missing={WARMUP_FILE}. "
            "`slice_tf_serving.write_warmup` adds them."
        )
    base = base_url.rstrip("/")
    versions = _remote_versions(base)
    check_contract(
        source, None if new_contract else _newest_contract(base, versions)
    )
    number = version_after(max(versions, default=0), version, base)
    target = f"{base}/{number}"
    names = sorted(
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file()
    )
    for name in [*(one for one in names if one != _LAST), _LAST]:
        tf.io.gfile.makedirs(os.path.dirname(f"{target}/{name}"))
        tf.io.gfile.copy(str(source / name), f"{target}/{name}")
    return target


def newest_remote_version(base_url: str) -> int:
    """Returns the number of the newest version below a URL; 0 for none."""
    return max(_remote_versions(base_url.rstrip("/")), default=0)


def _remote_versions(base: str) -> list[int]:
    import tensorflow as tf

    gfile = tf.io.gfile
    entries = gfile.listdir(base) if gfile.exists(base) else []
    names = (entry.strip("/") for entry in entries)
    return sorted(
        int(name) for name in names if name.isascii() and name.isdecimal()
    )


def _newest_contract(base: str, versions: Sequence[int]) -> Contract | None:
    """Returns what the newest whole version takes and gives, if it says so."""
    import tensorflow as tf

    gfile = tf.io.gfile
    for number in reversed(versions):
        if not gfile.exists(f"{base}/{number}/{_LAST}"):
            continue  # Its copy was broken off, or goes on.
        url = f"{base}/{number}/{CONTRACT_FILE}"
        if not gfile.exists(url):
            return None
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / pathlib.Path(CONTRACT_FILE).name
            gfile.copy(url, str(path))
            return read_json(path)
    return None
