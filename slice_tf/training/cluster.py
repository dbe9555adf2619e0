"""The processes that train one model together."""

import dataclasses
import json
import os
import socket
import time
from typing import Any

SECONDS_BETWEEN_PROBES = 0.2
_JOBS = ("chief", "worker")

_EXAMPLE = (
    'Write, such as: {"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers, and which of them this process is.

    Args:
        workers: Addresses, `host:port`, in the order of their indices.
        index: This process's.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self.workers)


def read_cluster() -> Cluster | None:
    """Returns what TF_CONFIG says, or `None` where it is not set.

    A task called `chief`, as Vertex AI names the first, becomes worker 0.

    Raises:
        ValueError: If it is malformed, or names tasks other than workers; the
            message says what was read.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        kind, index = task["type"], int(task["index"])
        chiefs, others = (list(jobs.get(one, ())) for one in _JOBS)
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            "TF_CONFIG must be JSON with a cluster of workers and a task. "
            f"Received: TF_CONFIG={text[:200]}, "
            f"error={type(error).__name__}: {error}. {_EXAMPLE}"
        ) from error
    if not set(jobs) <= set(_JOBS) or kind not in jobs or len(chiefs) > 1:
        raise ValueError(
            "TF_CONFIG must name workers only, one of which may be called "
            f"chief. Received: jobs={', '.join(jobs) or 'none'}, "
            f"task type={kind}. {_EXAMPLE}"
        )
    workers = [*chiefs, *others]
    if not all(map(_is_address, workers)):
        raise ValueError(
            "TF_CONFIG's workers must be a list of addresses, host:port. "
            f"Received: workers={workers}. {_EXAMPLE}"
        )
    if not 0 <= index < len(jobs[kind]):
        raise ValueError(
            "TF_CONFIG's task must be one of its workers. Received: "
            f"type={kind}, index={index}, {kind}s={len(jobs[kind])}"
        )
    start = len(chiefs) if kind == "worker" else 0
    return Cluster(tuple(workers), start + index)


def wait_for_cluster(cluster: Cluster, timeout: float) -> None:
    """Returns when every worker has been there.

    TensorFlow would wait without end and without a word, deaf to signals. So
    each worker first listens on its own address until it has reached all
    others, which then listen there too, or are TensorFlow's already.

    Args:
        cluster: The workers.
        timeout: Seconds to wait.

    Raises:
        TimeoutError: If a worker could not be reached; the message names it.
        OSError: If this worker's port is taken.
    """
    deadline = time.monotonic() + timeout
    silent = [
        one for i, one in enumerate(cluster.workers) if i != cluster.index
    ]
    with _listening(cluster.workers[cluster.index]):
        while silent := [one for one in silent if not answers(one)]:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    "All workers of TF_CONFIG must be reachable to train "
                    f"together. Received: worker={cluster.index}, "
                    f"unreachable={', '.join(silent)}, seconds={timeout:g}. "
                    "Start them, or mend their addresses."
                )
            time.sleep(SECONDS_BETWEEN_PROBES)
        # The others may still be on their way to this one.
        time.sleep(2 * SECONDS_BETWEEN_PROBES)


def answers(address: str) -> bool:
    """Tells whether something listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 2):
            return True
    except OSError:
        return False


def _listening(address: str) -> socket.socket:
    """Returns a socket that takes connections to this worker's port."""
    port = int(address.rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        raise OSError(
            "A worker's port must be free. Received: "
            f"address={address}, error={error}"
        ) from error


def _is_address(text: Any) -> bool:
    host, colon, port = str(text).rpartition(":")
    return bool(host and colon and port.isdecimal())
