"""The processes that train one model together."""

import dataclasses
import json
import os
import socket
import threading
from typing import Any

import tensorflow as tf

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


def wait_for_cluster(
    cluster: Cluster, timeout: float
) -> tf.distribute.MultiWorkerMirroredStrategy:
    """Returns the strategy once all workers are there.

    TensorFlow waits for them without end and without a word, in native code,
    which is why it does so in a thread of its own.

    Args:
        cluster: The workers.
        timeout: Seconds to wait.

    Raises:
        TimeoutError: If a worker could not be reached; the message names it.
            TensorFlow goes on waiting: the process should end.
    """
    found: list[Any] = []
    errors: list[BaseException] = []

    def meet() -> None:
        try:
            found.append(tf.distribute.MultiWorkerMirroredStrategy())
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=meet, daemon=True, name="meet workers")
    thread.start()
    thread.join(timeout)
    if found:
        return found[0]
    silent = [one for one in cluster.workers if not _answers(one)]
    raise TimeoutError(
        "All workers of TF_CONFIG must be reachable to train together. "
        f"Received: worker={cluster.index}, "
        f"unreachable={', '.join(silent) or 'none'}, "
        f"seconds={timeout:g}. Start them, or mend their addresses."
        + (f" TensorFlow says: {errors[0]}" if errors else "")
    ) from (errors[0] if errors else None)


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
