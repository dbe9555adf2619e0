"""Puts an export where a model server picks it up."""

import contextlib
import os
import pathlib
import shutil
import time
import uuid

from slice_tf.export.signatures import WARMUP_FILE
from slice_tf_serving.deployment.checksums import check_files
from slice_tf_serving.deployment.contract_changes import (
    check_contract,
    read_contract,
)
from slice_tf_serving.versions import list_versions, numbered, version_after

# Names that servers ignore, because they are no numbers.
_STAGING, _REMOVED = ".tmp-", ".old-"
_LEFT_SECONDS = 24 * 3600  # No copy takes as long.


def publish(
    saved_model_dir: str | os.PathLike[str],
    base_dir: str | os.PathLike[str],
    version: int | None = None,
    *,
    keep: int | None = None,
    new_contract: bool = False,
) -> pathlib.Path:
    """Copies an export to the next version of a model.

    The copy is made under a name that model servers ignore, checked against
    the export's checksums, flushed to disk and renamed: a server sees the
    whole version or none. An export without warm-up requests gets them.
    Versions rise and are never overwritten.

    Args:
        saved_model_dir: What `slice-tf export` wrote.
        base_dir: The directory a model server watches; on the same host or a
            file system with an atomic rename.
        version: Number of the version, greater than all that are there.
            `None` takes the next.
        keep: How many versions to keep, this one included; older ones are
            removed. `None` keeps all. Keep two at least: a server may still
            be loading this one, and `rollback` needs the one before.
        new_contract: Whether what the version takes and gives, or its slices,
            may break callers of the newest one.

    Returns:
        The path of the version.

    Raises:
        FileExistsError: If the version is not greater than all that are
            there.
        ValueError: If the export is not whole, it breaks the callers of the
            newest version, directories are confused, or `keep` is not
            positive.
    """
    if keep is not None and keep < 1:
        raise ValueError(
            "`keep` must be positive, because the version that is published "
            f"stays. Received: keep={keep}"
        )
    source, base = pathlib.Path(saved_model_dir), pathlib.Path(base_dir)
    _check_directories(source, base)
    check_files(source)
    versions = list_versions(base)
    before = None
    if versions and not new_contract:
        before = read_contract(versions[-1][1])
    check_contract(source, before)
    base.mkdir(parents=True, exist_ok=True)
    _next(base, version)  # before anything is copied
    _remove_leftovers(base)
    staging = base / f"{_STAGING}{uuid.uuid4().hex[:12]}"
    try:
        shutil.copytree(source, staging)
        check_files(staging)
        if not (staging / WARMUP_FILE).is_file():
            _add_warmup(staging)
        _flush(staging)
        final = _rename(staging, base, version)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _flush_entry(base)
    if keep is not None:
        for number, path in list_versions(base)[:-keep]:
            _remove(path, base / f"{_REMOVED}{number}-{uuid.uuid4().hex[:12]}")
    return final


def rollback(
    base_dir: str | os.PathLike[str], version: int | None = None
) -> pathlib.Path:
    """Publishes an earlier version again, as the next one.

    Versions rise even so, and what is rolled back stays where it can be
    looked at.

    Args:
        base_dir: The directory a model server watches.
        version: The version to go back to; `None` takes the one before the
            newest.

    Returns:
        The path of the new version.

    Raises:
        FileNotFoundError: If there is no such version.
        ValueError: If it is not whole.
    """
    base = pathlib.Path(base_dir)
    versions = dict(list_versions(base))
    if version is None and len(versions) > 1:
        version = sorted(versions)[-2]
    if version not in versions:
        raise FileNotFoundError(
            "There must be an earlier version to go back to. Received: "
            f"base_dir={base}, version={version}, "
            f"versions={', '.join(map(str, versions)) or 'none'}"
        )
    try:
        return publish(versions[version], base, new_contract=True)
    except ValueError as error:
        raise ValueError(
            "A version must be whole to be published again. Received: "
            f"version={version}, versions={', '.join(map(str, versions))}. "
            "Name another as `version` (on the command line, --version). "
            f"{error}"
        ) from error


def _remove_leftovers(base: pathlib.Path) -> None:
    """Removes what publishers that were killed have left behind."""
    for path in base.iterdir():
        if path.name.startswith((_STAGING, _REMOVED)):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)


def _remove(path: pathlib.Path, hidden: pathlib.Path) -> None:
    """Removes a version; a server sees the whole of it until it is gone."""
    try:
        path.rename(hidden)
    except FileNotFoundError:  # Another publisher was faster.
        return
    shutil.rmtree(hidden)


def _check_directories(source: pathlib.Path, base: pathlib.Path) -> None:
    if not (source / "saved_model.pb").is_file():
        raise ValueError(
            "What is published must be a SavedModel. Received: "
            f"saved_model_dir={source}, exists={source.is_dir()}"
        )
    if (base / "saved_model.pb").is_file():
        raise ValueError(
            "The base directory must hold versions, and not be a SavedModel "
            f"itself. Received: base_dir={base}"
        )
    if source.resolve() in (base.resolve(), *base.resolve().parents):
        raise ValueError(
            "The base directory must not lie within the SavedModel. "
            f"Received: saved_model_dir={source}, base_dir={base}"
        )
    if base.exists() and not base.is_dir():
        raise ValueError(
            f"The base directory must be a directory. Received: base_dir={base}"
        )


def _next(base: pathlib.Path, version: int | None) -> int:
    return version_after(_newest(base), version, base)


def _newest(base: pathlib.Path) -> int:
    taken = numbered(base)
    return taken[-1][0] if taken else 0


def _rename(
    staging: pathlib.Path, base: pathlib.Path, version: int | None
) -> pathlib.Path:
    """Gives the copy its name; takes the next if another was faster."""
    while True:
        final = base / str(_next(base, version))
        try:
            staging.rename(final)
            return final
        except OSError:
            if not final.exists() or version is not None:
                raise


def _add_warmup(staging: pathlib.Path) -> None:
    from slice_tf_serving.warmup import write_warmup

    write_warmup(staging)


def _flush(directory: pathlib.Path) -> None:
    for path in [*directory.rglob("*"), directory]:
        _flush_entry(path)


def _flush_entry(path: pathlib.Path) -> None:
    """Makes the system write a file, or a directory's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
