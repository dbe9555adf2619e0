"""Keeps TensorFlow's start-up chatter off stderr."""

import contextlib
import os
import sys
from collections.abc import Iterator


def start_tensorflow(start_devices: bool = True) -> None:
    """Imports TensorFlow and finds its devices without native log lines.

    They are written before any log level counts, and would stand between a
    user and the one line that says what is wrong. `SLICE_TF_DEBUG=1` keeps
    them. Python exceptions come through.

    Args:
        start_devices: Whether devices are started, too, rather than only
            found. Workers of a cluster must meet before.
    """
    with _silent_stderr():
        import tensorflow as tf

        if start_devices:
            tf.config.list_logical_devices()
        else:
            tf.config.list_physical_devices()


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    if os.environ.get("SLICE_TF_DEBUG"):
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
