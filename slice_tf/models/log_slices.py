"""Numbers per slice in the logs of an epoch."""

import contextlib
from typing import Any

import keras

MOST_SHOWN = 10  # Slices whose numbers a line of progress has room for.


class LogSlices(keras.callbacks.Callback):
    """Adds a model's `slice_metric` to the logs at the end of an epoch.

    A step returns no number a slice: TensorFlow takes minutes to optimize a
    graph of a thousand outputs. Put this before callbacks that read them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._trained: dict[str, Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._trained = None

    def on_test_begin(self, logs: Any = None) -> None:
        # Validation begins to count anew.
        self._trained = slice_logs(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs.update(self._trained or slice_logs(self.model))


class ShortProgress(keras.callbacks.ProgbarLogger):
    """Shows progress as Keras does, without the numbers of single slices."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        of_slices = set(self.model.slice_metric.slice_keys)
        shown = {
            key: value
            for key, value in (logs or {}).items()
            if key.removeprefix("val_") not in of_slices
        }
        super().on_epoch_end(epoch, shown)


def slice_logs(model: Any) -> dict[str, float]:
    """Returns what a model's `slice_metric` has counted, by key."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's
    with strategy.scope() if strategy else contextlib.nullcontext():
        result = model.slice_metric.result()
    return {key: float(value) for key, value in result.items()}
