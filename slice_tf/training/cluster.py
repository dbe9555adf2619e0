"""The processes that train one model together."""

import dataclasses
import json
import os
import socket
import time
from typing import Any

SECONDS_BETWEEN_PROBES = 0.2

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
        workers, kind = jobs["worker"], task["type"]
        index = int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            "TF_CONFIG must be JSON with a cluster of workers and a task. "
            f"Received: TF_CONFIG={text[:200]}, "
            f"error={type(error).__name__}: {error}. {_EXAMPLE}"
        ) from error
    if set(jobs) != {"worker"} or kind != "worker":
        raise ValueError(
            "TF_CONFIG must name workers only; the first of them is the chief. "
            f"Received: jobs={', '.join(jobs)}, task type={kind}. {_EXAMPLE}"
        )
    if not (isinstance(workers, list) and all(map(_is_address, workers))):
        raise ValueError(
            "TF_CONFIG's workers must be a list of addresses, host:port. "
            f"Received: worker={workers}. {_EXAMPLE}"
        )
    if not 0 <= index < len(workers):
        raise ValueError(
            "TF_CONFIG's task must be one of its workers. Received: "
            f"index={index}, workers={len(workers)}"
        )
    return Cluster(tuple(workers), index)


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
        while silent := [one for one in silent if not _answers(one)]:
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


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 2):
            return True
    except OSError:
        return False
