"""Callbacks that watch over training."""

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

import keras

from slice_tf.training.culprit import describe_culprit

logger = logging.getLogger("slice_tf.training")

# Reading a loss waits for the device, so it is not done at every step.
STEPS_BETWEEN_READS = 100
_SMALL = ("loss", "rmse")


class StopOnBadLoss(keras.callbacks.Callback):
    """Ends training where the loss is no number, or there was no batch.

    Args:
        batches: Returns the training data as NumPy batches, in which to look
            for what made the loss bad.

    Raises:
        ValueError: From `fit`, at the step after which the loss was NaN or
            infinite, or after an epoch without a batch.
    """

    async_safe = True  # Keras then leaves logs on the device until we read.

    def __init__(self, batches: Callable[[], Iterable[Any]]) -> None:
        super().__init__()
        self._batches = batches
        self._epoch = 0
        self._step = self._checked = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch + 1
        self._step = self._checked = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step = batch + 1  # Several on, where an execution is of several.
        if self._step - self._checked >= STEPS_BETWEEN_READS:
            self._checked = self._step
            self._check(f"epoch {self._epoch}, step {self._step}", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self._step:
            raise ValueError(
                "The training data must hold at least one example, because "
                "nothing is learned from none. Received: examples=0"
            )
        self._check(f"epoch {epoch + 1}", logs)

    def _check(self, when: str, logs: Any) -> None:
        logs = logs or {}
        if math.isfinite(float(logs.get("loss", 0.0))):
            return
        losses = {
            key: float(value)
            for key, value in logs.items()
            if key.endswith("loss") and not math.isfinite(float(value))
        }
        named = ", ".join(f"{key}={one}" for key, one in losses.items())
        schema = getattr(self.model, "schema", None)
        has_classes = getattr(self.model, "task", "") == "classification"
        culprit = describe_culprit(
            self._batches(),
            () if schema is None else schema.names,
            self.model.num_classes if has_classes else None,
        )
        raise ValueError(
            "The loss must be a finite number, because weights are moved "
            f"along it. Received: {named} at {when}. {culprit}"
        )


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras' early stopping, which goes on counting after a restart.

    Args:
        monitor: What to watch, such as `val_loss` or `val_accuracy/rare`.
        patience: Epochs to wait for something better.
        **options: Further arguments of `keras.callbacks.EarlyStopping`, but
            for `restore_best_weights`: see `KeepBest`.

    Raises:
        ValueError: At the end of an epoch without such a metric.
    """

    def __init__(self, monitor: str, patience: int, **options: Any) -> None:
        mode = options.pop("mode", "min" if is_best_small(monitor) else "max")
        super().__init__(monitor, patience=patience, mode=mode, **options)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        check_logged(self.monitor, logs)
        super().on_epoch_end(epoch, logs)

    def get_state(self) -> dict[str, Any]:
        """Returns what `set_state` needs, as plain JSON values."""
        return {
            "wait": self.wait,
            "best": self.best,
            "epoch": self.best_epoch,
            "stopped": self.stopped_epoch > 0,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on where the run was, or stays stopped."""
        self.wait, self.best = state["wait"], state["best"]
        self.best_epoch = state["epoch"]
        self.model.stop_training = state["stopped"]


def is_best_small(monitor: str) -> bool:
    """Returns whether less of a metric is better, by its name.

    What follows a slash names a slice, which may be called anything.
    """
    metric = monitor.partition("/")[0]
    return any(word in metric for word in _SMALL)


def check_logged(monitor: str, logs: Any) -> None:
    """Refuses to watch what is not there: nothing would ever come of it.

    Raises:
        ValueError: If no such metric was logged.
    """
    if monitor not in (logs or {}):
        raise ValueError(
            "What to watch must be among what is logged. Received: "
            f"monitor={monitor}, logged={', '.join(logs or {})}"
        )


class LogEpochs(keras.callbacks.Callback):
    """Logs one line an epoch.

    Args:
        epochs: Number of epochs to come.
    """

    async_safe = True

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        values = logs or {}
        shown = [
            f"{name} {values[key]:.4f}"
            for key, name in (
                ("loss", "loss"),
                ("accuracy/base", "accuracy"),
                ("rmse/base", "rmse"),
                ("val_loss", "validation loss"),
                ("val_accuracy/base", "validation accuracy"),
                ("val_rmse/base", "validation rmse"),
            )
            if key in values
        ]
        logger.info("epoch %d/%d: %s", epoch + 1, self.epochs, ", ".join(shown))
