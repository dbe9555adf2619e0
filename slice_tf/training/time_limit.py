"""A time limit on TensorFlow's own wait for other workers."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from slice_tf.training.cluster import Cluster, answers

_PROGRAM = (
    "import sys; from slice_tf.training.time_limit import guard; "
    "guard(sys.argv[1:])"
)


@contextlib.contextmanager
def time_limit(cluster: Cluster, seconds: float) -> Iterator[None]:
    """Kills this process, with a line on stderr, where its body hangs.

    TensorFlow waits for workers without end, and lets neither signals nor
    threads of Python run meanwhile: only another process can end it. That one
    reads from a pipe which closes when the body is through, or this process
    dies of something else.

    Args:
        cluster: The workers; those that do not answer at the end are named.
        seconds: Time for the body.
    """
    facts = [str(os.getpid()), str(cluster.index), str(seconds)]
    guard = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *facts, *cluster.workers],
        stdin=subprocess.PIPE,
    )
    try:
        yield
    finally:
        guard.communicate()


def guard(words: Sequence[str]) -> None:
    """Kills a process unless standard input closes in time."""
    pid, index, seconds, *workers = words
    if select.select([sys.stdin], [], [], float(seconds))[0]:
        return
    silent = [
        one
        for i, one in enumerate(workers)
        if i != int(index) and not answers(one)
    ]
    sys.stderr.write(
        "slice-tf train: error: All workers of TF_CONFIG must stay until "
        "TensorFlow has started on each. Received: "
        f"worker={index}, unreachable={', '.join(silent) or 'none'}, "
        f"seconds={float(seconds):g}. Start all of them again.\n"
    )
    sys.stderr.flush()
    os.kill(int(pid), signal.SIGKILL)
