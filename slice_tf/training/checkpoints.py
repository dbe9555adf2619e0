"""Checkpoints that are whole, or are not there."""

import contextlib
import hashlib
import json
import logging
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from slice_tf.files import read_json, sha256_of, staged_directory

logger = logging.getLogger("slice_tf.training")

FORMAT_VERSION = 1
STATE_FILE = "checkpoint.json"
_PREFIX = "step-"
# Reading a variable that is summed over workers fails where one has died.
_LOST_WORKER = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


class Checkpoints:
    """The newest checkpoints of a run, a directory each.

    A checkpoint gets its name when it is whole, and lists the hash of each of
    its files: a process may be killed at any moment, and a file may be
    damaged later, and the newest good one is still found.

    Args:
        directory: Where they go; created when the first is written.
        keep: Number of checkpoints to keep; older ones are removed.
        chief: Whether this process writes. The others go through the motions,
            because reading the weights may need all workers.

    Raises:
        ValueError: If `keep` is less than 1.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        keep: int = 3,
        chief: bool = True,
    ) -> None:
        if keep < 1:
            raise ValueError(
                "At least one checkpoint must be kept, because a run goes on "
                f"from the last. Received: keep={keep}"
            )
        self.directory = pathlib.Path(directory)
        self._keep, self._chief = keep, chief

    def save(
        self, number: int, values: tf.train.Checkpoint, state: Mapping[str, Any]
    ) -> None:
        """Writes a checkpoint.

        Args:
            number: Orders checkpoints: steps made so far.
            values: Variables.
            state: Plain JSON values.

        Raises:
            OSError: If it could not be written; older ones are untouched.
        """
        with self._staged(number) as staging:
            _write(values, staging, state)
        if self._chief:
            for _, path in self._found()[self._keep :]:
                shutil.rmtree(path, ignore_errors=True)

    def restore(
        self,
        values: Callable[[], tf.train.Checkpoint],
        check: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any] | None:
        """Restores the newest good checkpoint.

        A damaged one is skipped with a warning.

        Args:
            values: Returns the variables to restore into.
            check: Takes the state before anything is restored, to refuse it.

        Returns:
            The state it was saved with, or `None` where there is none.

        Raises:
            ValueError: If its variables are not those of the model.
        """
        for _, path in self._found():
            problem = _damage(path)
            if problem is None:
                text = (path / STATE_FILE).read_text("utf-8")
                state = dict(json.loads(text)["state"])
                check(state)
                _read(values(), path)
                return state
            logger.warning(
                "skipped a damaged checkpoint: %s (%s)", path, problem
            )
        return None

    def _found(self) -> list[tuple[int, pathlib.Path]]:
        """Returns checkpoints, newest first."""
        numbered = (
            (path.name.removeprefix(_PREFIX), path)
            for path in self.directory.glob(f"{_PREFIX}*")
        )
        return sorted(
            ((int(n), path) for n, path in numbered if n.isdecimal()),
            reverse=True,
        )

    @contextlib.contextmanager
    def _staged(self, number: int) -> Iterator[pathlib.Path]:
        """Yields a directory that is renamed when whole, on the chief."""
        if not self._chief:
            with tempfile.TemporaryDirectory() as nowhere:
                yield pathlib.Path(nowhere)
            return
        self._clear()
        final = self.directory / f"{_PREFIX}{number:010d}"
        with staged_directory(final, replace=True) as staging:
            yield staging

    def _clear(self) -> None:
        """Removes what a killed process left half-written."""
        for path in self.directory.glob(f".{_PREFIX}*"):
            shutil.rmtree(path, ignore_errors=True)


def _write(
    values: tf.train.Checkpoint,
    staging: pathlib.Path,
    state: Mapping[str, Any],
) -> None:
    try:
        values.write(str(staging / "values"))
    except _LOST_WORKER:
        raise
    except tf.errors.OpError as error:
        raise OSError(
            "A checkpoint must be writable: is the disk full? Received: "
            f"directory={staging.parent}, error={error.message}"
        ) from error
    files = {path.name: sha256_of(path) for path in sorted(staging.iterdir())}
    content = {
        "format_version": FORMAT_VERSION,
        "files": files,
        "state": dict(state),
    }
    text = json.dumps(content)
    content["hash"] = hashlib.sha256(text.encode()).hexdigest()
    path = staging / STATE_FILE
    path.write_text(json.dumps(content), encoding="utf-8")


def _read(values: tf.train.Checkpoint, path: pathlib.Path) -> None:
    try:
        status = values.read(str(path / "values"))
        status.assert_existing_objects_matched().assert_consumed()
    except (AssertionError, ValueError) as error:
        raise ValueError(
            "A checkpoint must be of the model that goes on. Received: "
            f"checkpoint={path}, error={str(error)[:300]}. Train with the "
            "options of the run that wrote it, or into a new directory."
        ) from error


def _damage(path: pathlib.Path) -> str | None:
    """Returns what is wrong with a checkpoint, if anything is."""
    try:
        content = read_json(path / STATE_FILE)
        claimed = content.pop("hash")
    except (OSError, ValueError, KeyError) as error:
        return f"{STATE_FILE}: {type(error).__name__}: {error}"
    found = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    if found != claimed:
        return f"{STATE_FILE} was changed"
    for name, wanted in content["files"].items():
        try:
            if sha256_of(path / name) != wanted:
                return f"{name} was changed"
        except OSError as error:
            return f"{name}: {error}"
    return None
