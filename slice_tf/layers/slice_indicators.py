"""The heads that say which slices an example is in."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import (
    check_base_indicator,
    check_count,
    check_rank,
)


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceIndicators(keras.layers.Layer):
    """Maps a representation to one membership logit a slice.

    `q_i` is linear in `z`. All slices are one matrix product. The layer
    computes in float32 under every dtype policy unless `dtype` says otherwise,
    because a softmax over rounded logits picks other experts.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        base_indicator: How the base slice's indicator is made. `"zero"` fixes
            it at 0, so that a slice's indicator says by how much the slice
            outweighs the base. `"learned"` gives it weights like any other,
            as in the paper; trained on the constant 1 it grows without bound
            and takes the attention away from the slices.

    Call arguments:
        z: Representations, of shape `[batch, dim]`.

    Returns:
        Indicator logits `q`, float32 of shape `[batch, slices + 1]`, the base
        slice last.

    Raises:
        TypeError: If `num_slices` is no integer.
        ValueError: If `num_slices` is negative, `base_indicator` unknown, or
            `z` not of rank 2.

    Source:
        Chen et al. 2019, section 3.2 (b) and (e).
    """

    def __init__(
        self, num_slices: int, base_indicator: str = "zero", **kwargs: Any
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        self.base_indicator = check_base_indicator(base_indicator)

    def build(self, z_shape: Any) -> None:
        check_rank("z", z_shape, "[batch, dim]")
        self._dim = z_shape[-1]
        columns = self.num_slices + (self.base_indicator == "learned")
        if columns:
            # Fans of one slice: a column is a head of its own.
            limit = (6.0 / (z_shape[-1] + 1)) ** 0.5
            self.kernel = self.add_weight(
                shape=(z_shape[-1], columns),
                initializer=keras.initializers.RandomUniform(-limit, limit),
                name="kernel",
            )
            self.bias = self.add_weight(
                shape=(columns,), initializer="zeros", name="bias"
            )

    def call(self, z: Any) -> Any:
        if self.base_indicator == "learned":
            return ops.matmul(z, self.kernel) + self.bias
        zeros = ops.zeros_like(z[:, :1])
        if not self.num_slices:
            return zeros
        q = ops.matmul(z, self.kernel) + self.bias
        return ops.concatenate([q, zeros], axis=-1)

    def linear_map(self) -> tuple[Any, Any]:
        """Returns a kernel `[dim, slices + 1]` and a bias `[slices + 1]`.

        An indicator fixed at 0 is a column of zeros.
        """
        dim, fixed = self._dim, self.base_indicator == "zero"
        kernel, bias = ops.zeros((dim, int(fixed))), ops.zeros((int(fixed),))
        if self.num_slices or not fixed:
            kernel = ops.concatenate([self.kernel, kernel], axis=-1)
            bias = ops.concatenate([self.bias, bias], axis=-1)
        return kernel, bias

    def compute_output_shape(self, z_shape: Any) -> tuple[int | None, int]:
        return (z_shape[0], self.num_slices + 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "base_indicator": self.base_indicator,
        }
