"""Starting workers of this host, and starting them again when one dies."""

import collections
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

logger = logging.getLogger("slice_tf.training")

USAGE_ERROR = 2  # The same command would fail the same way.
SECONDS_TO_LEAVE = 60
_LAST_LINES = 200
_TRACEBACK = "Traceback (most recent call last)"
# What TensorFlow's threads log at any time is no cause, unless it is fatal, and
# no name of a class in the middle of a traceback.
_LOG = re.compile(r"[IWE]\d{4} |WARNING: All log messages before absl")
_ERROR = re.compile(r"[A-Za-z_][\w.]*(: |$)")


def supervise(
    command: Sequence[str], restarts: int = 0, num_workers: int = 1
) -> int:
    """Runs a command until it succeeds.

    Args:
        command: Program and arguments.
        restarts: How often to start again after a failure.
        num_workers: Number of processes; each gets a TF_CONFIG of its own,
            on loopback. When one dies the others are ended, too, because none
            goes on without it. With one, TF_CONFIG is left as it is.

    Returns:
        0, or the status of the last failure when it is given up; what the
        first said on stderr is logged then. SIGTERM, which is handed on, is
        not tried again, nor is a usage error of the first attempt. Later, one
        may be the fault of workers that are not there yet.
    """
    first = ""
    for attempt in range(restarts + 1):
        team = _Team(command, num_workers)
        status, cause = team.wait()
        first = first or cause
        hopeless = status == USAGE_ERROR and attempt == 0
        if status == 0 or hopeless or team.terminated:
            return _exit_status(status)
        if attempt < restarts:
            logger.warning(
                "a worker ended with status %d (%s); starting again, %d of %d",
                status,
                cause,
                attempt + 1,
                restarts,
            )
    logger.error("gave up after %d restarts; first cause: %s", restarts, first)
    return _exit_status(status)


def _exit_status(status: int) -> int:
    """Returns a process's status as a shell tells it: 137 of one killed."""
    return status if status >= 0 else 128 - status


class _Team:
    """The processes of one attempt."""

    def __init__(self, command: Sequence[str], num_workers: int) -> None:
        self.terminated = False
        addresses = [f"127.0.0.1:{_free_port()}" for _ in range(num_workers)]
        self._workers = [
            subprocess.Popen(
                list(command),
                env=_environment(addresses, index),
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            for index in range(num_workers)
        ]
        self._lines = [
            collections.deque[str](maxlen=_LAST_LINES) for _ in self._workers
        ]
        self._readers = [
            threading.Thread(target=_copy, args=pair, daemon=True)
            for pair in zip(self._workers, self._lines, strict=True)
        ]
        for reader in self._readers:
            reader.start()

    def wait(self) -> tuple[int, str]:
        """Returns the first failure's status and cause, or 0."""
        before = signal.signal(signal.SIGTERM, self._terminate)
        try:
            failed = self._first_failure()
            if failed is not None:
                self._end_others()
        finally:
            self._end_others(signal.SIGKILL)
            signal.signal(signal.SIGTERM, before)
        for reader in self._readers:
            reader.join(timeout=5)
        if failed is None:
            return 0, ""
        status = int(self._workers[failed].returncode)
        return status, _cause(status, self._lines[failed])

    def _first_failure(self) -> int | None:
        while True:
            statuses = [worker.poll() for worker in self._workers]
            for index, status in enumerate(statuses):
                if status:
                    return index
            if all(status == 0 for status in statuses):
                return None
            time.sleep(0.1)

    def _end_others(self, number: int = signal.SIGTERM) -> None:
        left = [one for one in self._workers if one.poll() is None]
        for worker in left:
            worker.send_signal(number)
        deadline = time.monotonic() + SECONDS_TO_LEAVE
        for worker in left:
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)


def _environment(addresses: Sequence[str], index: int) -> dict[str, str]:
    if len(addresses) == 1:
        return dict(os.environ)
    config = {
        "cluster": {"worker": list(addresses)},
        "task": {"type": "worker", "index": index},
    }
    return {**os.environ, "TF_CONFIG": json.dumps(config)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _copy(worker: Any, lines: Any) -> None:
    with worker.stderr as stream:
        for line in stream:
            sys.stderr.write(line)
            sys.stderr.flush()
            lines.append(line.rstrip())


def _cause(status: int, lines: Sequence[str]) -> str:
    said = [line for line in lines if line.strip() and not _LOG.match(line)]
    if status >= 0:
        return _error_of(said) if said else f"status {status}"
    killed = f"killed by {signal.Signals(-status).name}"
    return f"{killed}, after it said: {said[-1]}" if said else killed


def _error_of(lines: Sequence[str]) -> str:
    """Returns the last line, or what a traceback at the end ends with.

    Errors of TensorFlow have many lines, of which the first says what failed.
    """
    starts = [i for i, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    after = lines[starts[-1] + 1 :] if starts else ()
    return next((one for one in after if _ERROR.match(one)), lines[-1])
