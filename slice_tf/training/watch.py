"""Callbacks that watch over training."""

import logging
import math
from typing import Any

import keras

from slice_tf.training.best import is_best_small

logger = logging.getLogger("slice_tf.training")

# Reading a loss waits for the device, so it is not done at every step.
STEPS_BETWEEN_READS = 100


class StopOnBadLoss(keras.callbacks.Callback):
    """Ends training where the loss is no number, or there was no batch.

    Raises:
        ValueError: From `fit`, at the step after which the loss was NaN or
            infinite, or after an epoch without a batch.
    """

    async_safe = True  # Keras then leaves logs on the device until we read.

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._any_batch = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch + 1
        self._any_batch = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._any_batch = True
        if (batch + 1) % STEPS_BETWEEN_READS == 0:
            self._check(f"epoch {self._epoch}, step {batch + 1}", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self._any_batch:
            raise ValueError(
                "The training data must hold at least one example, because "
                "nothing is learned from none. Received: examples=0"
            )
        self._check(f"epoch {epoch + 1}", logs)

    def _check(self, when: str, logs: Any) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise ValueError(
                "The loss must be a finite number, because weights are moved "
                f"along it. Received: loss={loss} at {when}. Look for labels "
                "outside 0 to num_classes - 1 and for NaN or very large "
                "features; else take a smaller learning rate."
            )


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras' early stopping, which goes on counting after a restart.

    Args:
        monitor: What to watch, such as `val_loss` or `val_accuracy/rare`.
        patience: Epochs to wait for something better.
        **options: Further arguments of `keras.callbacks.EarlyStopping`, but
            for `restore_best_weights`: see `KeepBest`.
    """

    def __init__(self, monitor: str, patience: int, **options: Any) -> None:
        mode = options.pop("mode", "min" if is_best_small(monitor) else "max")
        super().__init__(monitor, patience=patience, mode=mode, **options)

    def get_state(self) -> dict[str, Any]:
        """Returns what `set_state` needs, as plain JSON values."""
        return {"wait": self.wait, "best": self.best, "epoch": self.best_epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on where the run was."""
        self.wait, self.best = state["wait"], state["best"]
        self.best_epoch = state["epoch"]


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
                ("val_loss", "validation loss"),
                ("val_accuracy/base", "validation accuracy"),
            )
            if key in values
        ]
        logger.info("epoch %d/%d: %s", epoch + 1, self.epochs, ", ".join(shown))
