"""A line a finished epoch, for people and programs."""

import json
import math
import os
import pathlib
import time
from typing import Any

import keras

from slice_tf.files import write_text


class WriteLog(keras.callbacks.Callback):
    """Writes a file with a JSON object a line: an epoch and what it logged.

    Beside the metrics, `seconds` is wall time of the epoch, validation
    included, and `examples_per_second` that of training examples in it. A
    metric without a value, such as the accuracy of a slice that has no
    example, is `null`. After a restart within an epoch both times count from
    the restart.

    Args:
        path: The file. An epoch that is trained again replaces its line.
        num_examples: Number of training examples in an epoch.
    """

    def __init__(self, path: str | os.PathLike[str], num_examples: int) -> None:
        super().__init__()
        self._path = pathlib.Path(path)
        self._num_examples = num_examples
        self._start = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.perf_counter() - self._start
        values = {
            "epoch": epoch + 1,
            "seconds": round(seconds, 3),
            "examples_per_second": round(self._num_examples / seconds, 1),
            **{key: json_number(value) for key, value in (logs or {}).items()},
        }
        lines = [*self._lines_before(epoch + 1), json.dumps(values)]
        write_text(self._path, "".join(f"{line}\n" for line in lines))

    def _lines_before(self, epoch: int) -> list[str]:
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if json.loads(line)["epoch"] < epoch]


def json_number(value: Any) -> float | None:
    """Returns a number that JSON has; a slice without examples has none."""
    return float(value) if math.isfinite(float(value)) else None
