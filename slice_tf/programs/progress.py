"""Training as a bar on a terminal."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
)

# Reading a loss waits for the device, so it is done a few times a second.
SECONDS_BETWEEN_READS = 0.25


class ProgressBar(keras.callbacks.Callback):
    """Shows epochs, steps, loss and accuracy on stderr.

    Args:
        epochs: Number of epochs to come.
    """

    async_safe = True

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}"),
            console=Console(stderr=True),
        )
        self._last_read = 0.0
        self._values = ""

    def on_train_begin(self, logs: Any = None) -> None:
        self._progress.start()
        self._task = self._progress.add_task("", epoch="", values="")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._progress.reset(
            self._task,
            total=self.params.get("steps"),
            epoch=f"{epoch + 1}/{self.epochs}",
            values=self._values,
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._progress.update(self._task, completed=batch + 1)
        now = time.monotonic()
        if now - self._last_read > SECONDS_BETWEEN_READS:
            self._last_read = now
            self._show(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._show(logs)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._progress.stop()

    def _show(self, logs: Any) -> None:
        shown = [
            f"{name} {float(logs[key]):.3f}"
            for key, name in (
                ("loss", "loss"),
                ("accuracy/base", "accuracy"),
                ("val_accuracy/base", "validation"),
            )
            if key in (logs or {})
        ]
        self._values = ", ".join(shown)
        self._progress.update(self._task, values=self._values)


@contextlib.contextmanager
def progress_bar(epochs: int) -> Iterator[list[ProgressBar]]:
    """Yields a bar where stderr is a terminal, else nothing, as callbacks."""
    if not sys.stderr.isatty():
        yield []
        return
    bar = ProgressBar(epochs)
    try:
        yield [bar]
    finally:
        bar.close()
