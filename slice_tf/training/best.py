"""Keeping the weights that are best on a slice."""

import logging
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from slice_tf.confidence import wilson
from slice_tf.files import replacing
from slice_tf.training.watch import check_logged, is_best_small

logger = logging.getLogger("slice_tf.training")

_PREFIX = "val_accuracy/"


class KeepBest(keras.callbacks.Callback):
    """Gives a model back the weights of its best epoch when training ends.

    Accuracy on a slice is compared by the lower bound of its Wilson interval,
    so that a lucky epoch on few examples counts for less; a loss by its
    value.

    Args:
        monitor: `val_accuracy/<slice>`, `val_accuracy/base`, or the name of
            any other metric of the logs; one with `loss` or `rmse` in it is
            best small.
        path: File for the weights, so that they outlive a restart; `None`
            keeps them in memory only.
        write: Whether this process writes the file.

    Raises:
        ValueError: At the end of an epoch without such a metric.
    """

    def __init__(
        self,
        monitor: str,
        path: str | os.PathLike[str] | None = None,
        write: bool = True,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.best = -math.inf
        self.best_epoch: int | None = None
        self._path = pathlib.Path(path) if path is not None else None
        self._write = write
        self._weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = self._score(logs or {})
        if score > self.best:
            self.best, self.best_epoch = score, epoch
            self._weights = self.model.get_weights()
            if self._path is not None and self._write:
                with (
                    replacing(self._path) as temporary,
                    open(temporary, "wb") as stream,
                ):
                    np.savez(stream, *self._weights)

    def on_train_end(self, logs: Any = None) -> None:
        if self._weights is None and self.best_epoch is not None:
            self._weights = self._stored()
        if self._weights is not None:
            self.model.set_weights(self._weights)
        if self.best_epoch is not None and self._write:
            logger.info(
                "kept the weights of epoch %d, the best in %s",
                self.best_epoch + 1,
                self.monitor,
            )

    def get_state(self) -> dict[str, Any]:
        """Returns what `set_state` needs, as plain JSON values."""
        return {"best": self.best, "epoch": self.best_epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on where the run was."""
        self.best, self.best_epoch = state["best"], state["epoch"]

    def _score(self, logs: Mapping[str, float]) -> float:
        check_logged(self.monitor, logs)
        value = float(logs[self.monitor])
        if is_best_small(self.monitor):
            return -value
        accuracy = getattr(self.model, "slice_accuracy", None)
        name = self.monitor.removeprefix(_PREFIX)
        if accuracy is None or name == self.monitor:
            return value
        names = (*accuracy.slices, "base")
        if name not in names:
            return value
        with self.model.distribute_strategy.scope():
            right, everyone = accuracy.right_and_all()[names.index(name)]
        return lower_bound(int(right), int(everyone))

    def _stored(self) -> list[Any]:
        if self._path is None or not self._path.is_file():
            raise ValueError(
                "The best weights before a restart must be in their file. "
                f"Received: path={self._path}, epoch={self.best_epoch}"
            )
        with np.load(self._path) as arrays:
            return [arrays[f"arr_{i}"] for i in range(len(arrays.files))]


def lower_bound(right: int, everyone: int) -> float:
    """Returns the lower end of the 95 % Wilson interval of a share.

    Args:
        right: Number of right predictions.
        everyone: Number of predictions.

    Returns:
        From 0 to 1; 0 where there is no prediction.
    """
    return float(wilson(right, everyone)[0]) if everyone else 0.0
