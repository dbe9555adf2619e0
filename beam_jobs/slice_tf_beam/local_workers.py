"""Worker processes on this machine that live no longer than the job."""

import _thread
import contextlib
import os
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from apache_beam.transforms.environments import SubprocessSDKEnvironment

# How Beam's `SubprocessSdkWorker` tells that a worker process died. It tells
# nobody but the thread that started the process, and the job waits for ever.
_WORKER_DIED = "Worker subprocess exited with return code"


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
        words = [sys.executable, "-m", "slice_tf_beam.worker", path]
        self.environment = SubprocessSDKEnvironment.from_command_string(
            f"exec {shlex.join(words)}"
        )
        self._death = ""

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watches over the workers while the job runs.

        Raises:
            WorkerDiedError: If a worker died.
        """
        excepthook = threading.excepthook
        threading.excepthook = self._hear
        try:
            with self._interrupts():
                yield
        except KeyboardInterrupt:
            if self._death:
                raise WorkerDiedError(self._death) from None
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

    @contextlib.contextmanager
    def _interrupts(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _on_interrupt(self, *_: Any) -> None:
        # Now, because Beam waits for its workers before it raises this.
        self.let_go()
        raise KeyboardInterrupt

    def _hear(self, args: Any) -> None:
        """Takes the place of `threading.excepthook`."""
        text = str(args.exc_value)
        if not text.startswith(_WORKER_DIED):
            threading.__excepthook__(args)
        elif self._leash is not None:
            self._death = _describe(text.rpartition(" ")[2])
            self.let_go()
            _thread.interrupt_main()


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
