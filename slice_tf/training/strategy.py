"""Which devices a model is trained on."""

import functools
from typing import Any

import tensorflow as tf

from slice_tf.data.deal import Deal
from slice_tf.training.cluster import Cluster, read_cluster, wait_for_cluster
from slice_tf.training.config import CHOICES
from slice_tf.training.time_limit import time_limit

STRATEGIES = CHOICES["loop.strategy"]
SECONDS_TO_MEET = 300


def choose_strategy(
    name: str = "auto", timeout: float = SECONDS_TO_MEET
) -> tf.distribute.Strategy:
    """Returns a strategy; make and compile the model in its `scope()`.

    Args:
        name: `one` trains on one device. `mirrored` copies the model to every
            GPU, or to every logical CPU where there is no GPU, and sums their
            gradients: weights follow one device with the same global batch up
            to rounding. `multiworker` does so across the processes that the
            environment variable TF_CONFIG names. `auto` is `multiworker`
            where TF_CONFIG names several workers, `mirrored` with two GPUs or
            more, else `one`.
        timeout: Seconds to wait until all workers are there, and for
            TensorFlow to start on them; the process is killed after these.

    Raises:
        ValueError: If there is no strategy of that name, or TF_CONFIG is
            malformed, or missing where `multiworker` needs it.
        TimeoutError: If a worker could not be reached.
    """
    if name not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be one of {', '.join(STRATEGIES)}. "
            f"Received: strategy={name!r}"
        )
    cluster = read_cluster() if name in ("auto", "multiworker") else None
    if name == "multiworker" and cluster is None:
        raise ValueError(
            "`multiworker` needs the environment variable TF_CONFIG, which "
            "names the workers and this one among them. Received: TF_CONFIG "
            "is not set."
        )
    if cluster is not None and (name == "multiworker" or cluster.size > 1):
        wait_for_cluster(cluster, timeout)
        with time_limit(cluster, timeout):
            return _join(cluster)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "one" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return _mirrored(tuple(one.name for one in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """Returns the strategy of these devices, the same one at every call.

    A second one would number its sums over devices from the start again, and
    TensorFlow refuses a number that comes with a tensor of another shape.
    """
    return tf.distribute.MirroredStrategy(list(devices))


def _join(cluster: Cluster) -> tf.distribute.Strategy:
    """Returns the strategy of several workers; waits for all of them."""
    # Not TensorFlow's own reading of TF_CONFIG, which counts a chief apart.
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.workers)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def deal_of(strategy: tf.distribute.Strategy, by: str = "auto") -> Deal:
    """Returns which part of a global batch this process's replicas get."""
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec() if resolver is not None else None
    workers = cluster.num_tasks("worker") if cluster else 1
    worker = resolver.task_id if workers > 1 else 0
    return Deal(worker, workers, strategy.num_replicas_in_sync // workers, by)


def meet(strategy: tf.distribute.Strategy) -> None:
    """Returns when all workers have come here."""

    @tf.function
    def wait() -> Any:
        ones = strategy.run(lambda: tf.constant(1))
        return strategy.reduce("SUM", ones, axis=None)

    wait()
