"""Ending in order when the process is told to end."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import tensorflow as tf

from slice_tf.training.strategy import deal_of

EXIT_STATUS = 128 + signal.SIGTERM


class Stopped(SystemExit):
    """Training ended because of SIGTERM; exit status 143."""

    def __init__(self) -> None:
        super().__init__(EXIT_STATUS)


class StopRequest:
    """Notes SIGTERM instead of dying of it, while it is entered.

    Args:
        strategy: Where it has several workers, all hear of a signal that one
            of them got, so that none waits for another that has left.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self._several = deal_of(strategy).num_workers > 1
        self._sum = tf.function(self._summed)
        self._noted = False
        self._before: Any = None

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def requested(self) -> bool:
        """Tells whether this worker, or any other, has to end."""
        if not self._several:
            return self._noted
        return bool(self._sum(tf.constant(int(self._noted))) > 0)

    def _summed(self, noted: Any) -> Any:
        flags = self._strategy.run(lambda: tf.identity(noted))
        return self._strategy.reduce("SUM", flags, axis=None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
