"""Publishing where there is no atomic rename: object stores."""

import os
import pathlib

from slice_tf.export.signatures import WARMUP_FILE
from slice_tf_serving.checksums import check_files
from slice_tf_serving.contract_changes import check_contract
from slice_tf_serving.versions import MAX_VERSION

_LAST = "saved_model.pb"


def publish_remote(
    saved_model_dir: str | os.PathLike[str],
    base_url: str,
    version: int | None = None,
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

    Returns:
        The URL of the version.

    Raises:
        FileExistsError: If the version is not greater than all that are
            there.
        ValueError: If the export is not whole, or lacks its warm-up
            requests.
    """
    import tensorflow as tf

    source = pathlib.Path(saved_model_dir)
    check_files(source)
    check_contract(source, None, allow_changes=True)
    if not (source / WARMUP_FILE).is_file():
        raise ValueError(
            "An export must have warm-up requests, because they keep a server "
            "from taking half a version. "
            f"Received: saved_model_dir={source}, missing={WARMUP_FILE}. "
            "`slice_tf_serving.write_warmup` adds them."
        )
    base = base_url.rstrip("/")
    newest = newest_remote_version(base)
    number = newest + 1 if version is None else version
    if not newest < number <= MAX_VERSION:
        raise FileExistsError(
            "A version must be greater than all before it, because a server "
            "takes the greatest and never looks at one again. "
            f"Received: version={number}, newest={newest}, base_url={base}"
        )
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
    import tensorflow as tf

    base = base_url.rstrip("/")
    gfile = tf.io.gfile
    entries = gfile.listdir(base) if gfile.exists(base) else []
    numbers = [
        int(name)
        for name in (entry.strip("/") for entry in entries)
        if name.isascii() and name.isdecimal()
    ]
    return max(numbers, default=0)
