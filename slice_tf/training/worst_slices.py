"""Watches the slices that do worst while a model trains."""

import logging
import math
import os
from typing import Any

import keras
import tensorflow as tf

from slice_tf.training.best import lower_bound

logger = logging.getLogger("slice_tf.training")

WORST = "worst_slice_low"

_SCALAR = 1  # SummaryMetadata's DATA_CLASS_SCALAR, for TensorBoard


class WatchWorstSlices(keras.callbacks.Callback):
    """Logs the worst slices of each epoch, and a number to stop by.

    Reads what the model counted last: validation, or training where there is
    none. Adds `worst_slice_low` to the logs: the least lower end of the
    slices' 95 % intervals of accuracy. A slice that got better in a handful
    of examples barely moves it. Where a number is predicted, the worst slices
    are those of the largest error, and there is no such number. Put this
    before what reads it:

        callbacks=[
            WatchWorstSlices("logs", min_size=30),
            StopEarly("worst_slice_low", patience=3),
        ]

    Args:
        log_dir: Where TensorBoard finds `worst_slices/<slice>`,
            `worst_slice_low`, and all logs that are not of one slice, such as
            `loss` and `val_accuracy/base`; None writes nothing.
        num_slices: Slices written an epoch, the worst first.
        min_size: Slices with fewer examples are left out; their lower ends
            say how few they are, not how bad. Where none is left, there is a
            warning, and no `worst_slice_low`.

    Raises:
        ValueError: If a number is below 1; from `fit`, if the model counts
            nothing per slice.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        num_slices: int = 5,
        min_size: int = 30,
    ) -> None:
        super().__init__()
        if num_slices < 1 or min_size < 1:
            raise ValueError(
                "`num_slices` and `min_size` must be at least 1. Received: "
                f"num_slices={num_slices}, min_size={min_size}"
            )
        self.num_slices, self.min_size = num_slices, min_size
        self._writer = (
            None
            if log_dir is None
            else tf.summary.create_file_writer(os.fspath(log_dir))
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        worst, logs = self._worst(), {} if logs is None else logs
        if worst and hasattr(self.model, "slice_accuracy"):
            logs[WORST] = worst[0][0]
        if self._writer is not None:
            with self._writer.as_default(step=epoch):
                for key, value in logs.items():
                    if not self._is_of_one_slice(key):
                        _write(key, value)
                for _, name, value in worst[: self.num_slices]:
                    _write(f"worst_slices/{name}", value)
            self._writer.flush()

    def _is_of_one_slice(self, key: str) -> bool:
        own = self.model.slice_metric.slice_keys
        return key.removeprefix("val_") in own

    def _worst(self) -> list[tuple[float, str, float]]:
        """Slices with what they are ranked by and their score, worst first."""
        metric = getattr(self.model, "slice_metric", None)
        if metric is None:
            raise ValueError(
                "The model must count per slice, as those of slice-tf do. "
                f"Received: model={self.model.name}, without `slice_metric`"
            )
        is_accuracy = hasattr(self.model, "slice_accuracy")
        with self.model.distribute_strategy.scope():
            counts = metric.counts if is_accuracy else metric.sums
            rows = counts.numpy()[:-1].tolist()
        rank = _by_accuracy if is_accuracy else _by_error
        found = [
            rank(name, total, size)
            for name, (total, size) in zip(metric.slices, rows, strict=True)
            if size >= self.min_size
        ]
        if not found:
            logger.warning(
                "no slice is large enough to watch: min_size=%d, largest=%d",
                self.min_size,
                max((size for _, size in rows), default=0),
            )
        return sorted(found)


def _by_accuracy(name: str, right: int, size: int) -> tuple[float, str, float]:
    return lower_bound(right, size), name, right / size


def _by_error(
    name: str, squares: float, size: float
) -> tuple[float, str, float]:
    error = math.sqrt(squares / size)
    return -error, name, error


def _write(tag: str, value: float) -> None:
    """Writes a scalar; `tf.summary.scalar` would need TensorBoard here."""
    metadata = tf.compat.v1.SummaryMetadata(data_class=_SCALAR)
    metadata.plugin_data.plugin_name = "scalars"
    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)
