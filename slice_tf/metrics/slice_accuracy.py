"""Accuracy per slice."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slice_tf.metrics.by_slice import by_slice


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceAccuracy(keras.metrics.Metric):
    """Counts right predictions in every slice, in one state tensor.

    Args:
        names: Names of the slices, in order, without the base slice.

    `update_state` takes:

    - `labels`: Integers, of shape `[batch]`, or `[batch, labels]` of an
      example that may have several: it is right where all of them are.
    - `predictions`: Integers of the same shape.
    - `membership`: Zeros and ones, of shape `[batch, slices]`; 0 where it is
      not known. `None` counts in the base slice alone.

    `result()` is a dict of `accuracy/<slice>`, the base slice last; NaN for
    a slice without examples, which has no accuracy.
    """

    def __init__(
        self, names: Sequence[str], name: str = "slice_accuracy", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.slices = tuple(names)
        # Integers: float32 would stop counting at 2 ** 24 examples.
        self.counts = self.add_variable(
            shape=(len(self.slices) + 1, 2),
            initializer="zeros",
            dtype="int64" if keras.backend.backend() != "jax" else "int32",
            name="right_and_all",
        )

    def update_state(
        self, labels: Any, predictions: Any, membership: Any = None
    ) -> None:
        same = ops.equal(labels, ops.cast(predictions, labels.dtype))
        if len(same.shape) == 2:
            same = ops.all(same, axis=-1)
        right = ops.cast(same, "float32")
        right_and_all = ops.stack([right, ops.ones_like(right)], axis=-1)
        members = ops.ones_like(right)[:, None]
        if membership is not None:
            inside = ops.cast(membership > 0, "float32")
            members = ops.concatenate([inside, members], axis=-1)
        # A product of floats is fast, and exact for any batch in memory.
        added = ops.matmul(ops.transpose(members), right_and_all)
        self.counts.assign_add(ops.cast(added, self.counts.dtype))

    def result(self) -> dict[str, Any]:
        counts = ops.cast(self.counts, "float32")
        right, everyone = counts[:, 0], counts[:, 1]
        accuracy = ops.where(
            everyone > 0, right / ops.maximum(everyone, 1.0), float("nan")
        )
        return by_slice("accuracy", (*self.slices, "base"), accuracy)

    @property
    def slice_keys(self) -> tuple[str, ...]:
        """Keys of the result, without the base slice's."""
        return tuple(f"accuracy/{name}" for name in self.slices)

    def right_and_all(self) -> np.ndarray:
        """Returns right predictions and examples, `[slices + 1, 2]`."""
        return np.asarray(self.counts.numpy())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "names": self.slices}
