"""Ends a process whose slicing functions do not answer."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType, TracebackType
from typing import Any

from slice_tf.slicing import SlicingFunction

logger = logging.getLogger("slice_tf.beam")

# Where a process that ends itself says why: the path of a file.
LAST_WORDS = "SLICE_TF_LAST_WORDS"


def end_process(cause: str) -> None:
    """Ends this process at once; whatever hangs in it ends, too."""
    path = os.environ.get(LAST_WORDS)
    if path is None:
        logger.error("%s", cause)
    else:
        with contextlib.suppress(OSError), open(path, "w") as stream:
            stream.write(cause)
    os._exit(1)


class Deadline:
    """Watches over the calls of slicing functions while a shard is sliced.

    A call that hangs cannot be stopped from within Python, so the process
    ends. Use as a context manager, and `asked` around every call.

    Args:
        functions: The functions, to tell which one hangs.
        seconds: How long they may take over one span of records; None waits
            for ever.
        end: Takes the cause and ends the process.
    """

    def __init__(
        self,
        functions: Sequence[SlicingFunction],
        seconds: float | None,
        end: Callable[[str], None] = end_process,
    ) -> None:
        self._names = {_code_of(one.function): one.name for one in functions}
        self._seconds = seconds
        self._end = end
        self._asked: tuple[float, int, str] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Deadline":
        if self._seconds is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._seconds is not None:
            self._thread.join()

    @contextlib.contextmanager
    def asked(self, place: str) -> Iterator[None]:
        """Marks that functions are asked about the records at a place."""
        self._asked = (time.monotonic(), threading.get_ident(), place)
        try:
            yield
        finally:
            self._asked = None

    def _watch(self) -> None:
        seconds = self._seconds or 0.0
        while not self._over.wait(min(1.0, seconds / 4)):
            asked = self._asked
            if asked and time.monotonic() - asked[0] > seconds:
                _, thread, place = asked
                self._end(self._cause(sys._current_frames()[thread], place))
                return

    def _cause(self, frame: FrameType | None, place: str) -> str:
        culprit, line = self._culprit(frame)
        return (
            "Slicing functions must answer about a span of records before "
            "`sf_timeout` is over, because one that hangs would hang the job. "
            f"Received: sf_timeout={self._seconds:g}, slice={culprit}, "
            f"at={line}, {place}. Mend the function, or raise the limit."
        )

    def _culprit(self, frame: FrameType | None) -> tuple[str, str]:
        """Returns the function that runs, and the line where it is."""
        name, innermost = "unknown", frame
        while frame is not None:
            if frame.f_code in self._names:
                name, innermost = self._names[frame.f_code], frame
                break
            frame = frame.f_back
        if innermost is None:
            return name, "unknown"
        return name, f"{innermost.f_code.co_filename}:{innermost.f_lineno}"


def _code_of(function: Any) -> CodeType | None:
    """Returns the code of what a slicing function calls, where it has one."""
    while hasattr(function, "func"):  # a partial
        function = function.func
    inner = getattr(function, "__func__", function)  # a method
    if not hasattr(inner, "__code__"):
        inner = type(inner).__call__  # an object
    return getattr(inner, "__code__", None)
