"""Root mean squared error per slice."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.metrics.by_slice import by_slice


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceRMSE(keras.metrics.Metric):
    """How far predicted numbers are off in every slice, in one state tensor.

    Args:
        names: Names of the slices, in order, without the base slice.

    `update_state` takes:

    - `labels`: Numbers, of shape `[batch]` or `[batch, 1]`.
    - `predictions`: Of the same shape.
    - `membership`: Zeros and ones, of shape `[batch, slices]`; 0 where it is
      not known. `None` counts in the base slice alone.

    `result()` is a dict of `rmse/<slice>` in the numbers' unit, the base slice
    last; NaN for a slice without examples.
    """

    def __init__(
        self, names: Sequence[str], name: str = "slice_rmse", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.slices = tuple(names)
        # JAX has no float64 by default; float32 counts to 2 ** 24 examples.
        self.sums = self.add_variable(
            shape=(len(self.slices) + 1, 2),
            initializer="zeros",
            dtype="float64" if keras.backend.backend() != "jax" else "float32",
            name="squares_and_all",
        )

    def update_state(
        self, labels: Any, predictions: Any, membership: Any = None
    ) -> None:
        errors = ops.cast(predictions, "float32") - ops.cast(labels, "float32")
        squares = ops.reshape(ops.square(errors), (-1,))
        everyone = ops.ones_like(squares)
        members = everyone[:, None]
        if membership is not None:
            inside = ops.cast(membership > 0, "float32")
            members = ops.concatenate([inside, members], axis=-1)
        # Not a product: NaN times 0 would spoil every slice. Squares stay
        # apart from counts for the same reason.
        squares = ops.where(members > 0, squares[:, None], 0.0)
        added = [ops.sum(one, axis=0) for one in (squares, members)]
        self.sums.assign_add(
            ops.cast(ops.stack(added, axis=-1), self.sums.dtype)
        )

    def result(self) -> dict[str, Any]:
        sums = ops.cast(self.sums, "float32")
        squares, everyone = sums[:, 0], sums[:, 1]
        means = ops.where(
            everyone > 0, squares / ops.maximum(everyone, 1.0), float("nan")
        )
        return by_slice("rmse", (*self.slices, "base"), ops.sqrt(means))

    @property
    def slice_keys(self) -> tuple[str, ...]:
        """Keys of the result, without the base slice's."""
        return tuple(f"rmse/{name}" for name in self.slices)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "names": self.slices}
