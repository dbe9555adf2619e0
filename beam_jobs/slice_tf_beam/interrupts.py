"""Ends a pipeline that runs in this process, at once and by its cause."""

import _thread
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Interrupts:
    """Ends a job on Ctrl-C, or when another thread says so.

    Beam turns an interrupt inside a function into another exception, which it
    logs on the way; here the cause comes out as it is. Needs the job to run
    in the main thread. Where the process was started with interrupts ignored,
    as a shell script does with `&`, Ctrl-C stays ignored.

    Args:
        first: Called before the interrupt is raised.
    """

    def __init__(self, first: Callable[[], None] = lambda: None) -> None:
        self._first = first
        self._cause: BaseException | None = None
        self._ignored = False
        self._struck = False

    def stop(self, cause: BaseException) -> None:
        """Ends the job with an exception; any thread may call this."""
        self._cause = cause
        _thread.interrupt_main()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Raises what ends the job, while it runs.

        Raises:
            KeyboardInterrupt: On Ctrl-C; or what `stop` was told.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        beam_logger = logging.getLogger("apache_beam")
        level = beam_logger.level
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        self._ignored = before is signal.SIG_IGN
        hook = sys.unraisablehook

        def hear(dropped: Any) -> None:
            if not isinstance(dropped.exc_value, KeyboardInterrupt):
                hook(dropped)

        sys.unraisablehook = hear
        try:
            yield
        except BaseException:
            if self._struck:
                raise (self._cause or KeyboardInterrupt()) from None
            raise
        else:
            # Where it struck inside a callback, Python has dropped it.
            if self._struck:
                raise self._cause or KeyboardInterrupt()
        finally:
            sys.unraisablehook = hook
            signal.signal(signal.SIGINT, before)
            beam_logger.setLevel(level)

    def _on_interrupt(self, *_: Any) -> None:
        if self._ignored and self._cause is None:
            return
        self._struck = True
        # Whatever Beam logs from here on is this interrupt once more.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        self._first()
        raise KeyboardInterrupt
