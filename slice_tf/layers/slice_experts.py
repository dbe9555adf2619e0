"""The linear maps that make every slice's own representation."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_count, check_rank


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceExperts(keras.layers.Layer):
    """Maps a representation to one expert representation a slice.

    `r_i = W_i z + b_i`, linear as in the paper. All experts are one matrix
    product of `[batch, dim]` by `[dim, (slices + 1) * units]`.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        units: Width `h` of each expert representation; `None` takes the width
            of `z`.

    Call arguments:
        z: Representations, of shape `[batch, dim]`.

    Returns:
        Expert representations `r`, of shape `[batch, slices + 1, units]`, the
        base slice last.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If a count is too small or `z` not of rank 2.

    Source:
        Chen et al. 2019, section 3.2 (c).
    """

    def __init__(
        self, num_slices: int, units: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        if units is not None:
            check_count("units", units, 1, "it is the width of an expert")
        self.units = units

    def build(self, z_shape: Any) -> None:
        check_rank("z", z_shape, "[batch, dim]")
        dim, units = z_shape[-1], self.units or z_shape[-1]
        experts = self.num_slices + 1
        # Glorot's limit with the fans of one expert, not of all together.
        limit = (6.0 / (dim + units)) ** 0.5
        self.kernel = self.add_weight(
            shape=(dim, experts, units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(experts, units), initializer="zeros", name="bias"
        )
        self.built = True

    def call(self, z: Any) -> Any:
        dim, experts, units = self.kernel.shape
        kernel = ops.reshape(self.kernel, (dim, experts * units))
        r = ops.reshape(ops.matmul(z, kernel), (-1, experts, units))
        return r + self.bias

    def fold(self, heads: Any) -> tuple[Any, Any]:
        """Returns the linear map from `z` to `r @ heads`.

        Args:
            heads: A linear map of representations, of shape
                `[units, columns]`.

        Returns:
            Its kernel of shape `[dim, slices + 1, columns]` and its bias of
            shape `[slices + 1, columns]`.
        """
        dim, experts, units = self.kernel.shape
        kernel = ops.reshape(self.kernel, (dim * experts, units))
        kernel = ops.reshape(ops.matmul(kernel, heads), (dim, experts, -1))
        return kernel, ops.matmul(self.bias, heads)

    def compute_output_shape(self, z_shape: Any) -> tuple[int | None, int, int]:
        units = self.units or z_shape[-1]
        return (z_shape[0], self.num_slices + 1, units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "units": self.units,
        }
