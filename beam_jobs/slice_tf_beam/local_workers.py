"""Worker processes on this machine that live no longer than the job."""

import contextlib
import os
import pathlib
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from apache_beam.transforms.environments import SubprocessSDKEnvironment

from slice_tf_beam.deadline import LAST_WORDS
from slice_tf_beam.interrupts import Interrupts

# How Beam's `SubprocessSdkWorker` tells that a worker process died. It tells
# nobody but the thread that started the process, and the job waits for ever.
_WORKER_DIED = "Worker subprocess exited with return code"
# Threads of Beam that fail when a worker goes, before it is known dead.
_CONNECTIONS = ("beam_control_read", "read_grpc_client_inputs")


class WorkerDiedError(OSError):
    """A worker process ended before the job did."""


class LocalWorkers:
    """Worker processes on a leash.

    Within `watched`, a worker that dies ends the job with an error instead
    of hanging it, and Ctrl-C ends the workers at once instead of after their
    last shard. Both need the job to run in the main thread.

    Attributes:
        environment: Beam's environment that starts one worker process.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="slice-tf-")
        path = os.path.join(self._directory.name, "leash")
        os.mkfifo(path)
        self._leash: int | None = os.open(path, os.O_RDWR)
        self._last_words = pathlib.Path(f"{path}.last-words")
        words = [sys.executable, "-m", "slice_tf_beam.worker", path]
        self.environment = SubprocessSDKEnvironment.from_command_string(
            f"{LAST_WORDS}={shlex.quote(str(self._last_words))} "
            f"exec {shlex.join(words)}"
        )
        self._interrupts = Interrupts(first=self.let_go)
        self._lost: list[Any] = []

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watches over the workers while the job runs.

        Raises:
            WorkerDiedError: If a worker died.
        """
        excepthook = threading.excepthook
        threading.excepthook = self._hear
        try:
            with self._interrupts.watched():
                yield
        except BaseException:
            if self._leash is not None:
                # No worker died, so these say what went wrong.
                for args in self._lost:
                    excepthook(args)
            raise
        finally:
            self.let_go()
            threading.excepthook = excepthook
            self._directory.cleanup()

    def let_go(self) -> None:
        """Ends all worker processes."""
        leash, self._leash = self._leash, None
        if leash is not None:
            os.close(leash)

    def _hear(self, args: Any) -> None:
        """Takes the place of `threading.excepthook`."""
        text = str(args.exc_value)
        if text.startswith(_WORKER_DIED):
            if self._leash is not None:
                cause = self._cause(text.rpartition(" ")[2])
                self._interrupts.stop(WorkerDiedError(cause))
        elif args.thread is not None and args.thread.name in _CONNECTIONS:
            self._lost.append(args)
        else:
            threading.__excepthook__(args)

    def _cause(self, status: str) -> str:
        """Returns why a worker ended: in its own words, or by its status."""
        with contextlib.suppress(OSError):
            return self._last_words.read_text()
        return _describe(status)


def _describe(status: str) -> str:
    cause = status
    with contextlib.suppress(ValueError):
        cause = f"{status} ({signal.Signals(-int(status)).name})"
    return (
        "A worker process must not end before the job does. Received: "
        f"exit status={cause}. Perhaps memory ran out (try fewer workers), or "
        "a slicing function crashed Python (try one worker). Whole shards are "
        "kept for the next run."
    )
