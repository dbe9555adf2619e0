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

    With `rank`, `W_i = V U_i`: a matrix `U_i` of the slice's own and a basis
    `V` that all slices share. A prediction reads an expert through heads that
    are linear too, so a rank of all heads' columns (2 for a binary task)
    loses nothing that could be predicted, while weights, and the optimizer's
    pass over them, shrink by `units / rank`.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        units: Width `h` of each expert representation; `None` takes the width
            of `z`.
        rank: Rank of every expert's matrix; `None` leaves it full.
        activation: Name of a Keras activation, or `None` for the paper's
            linear experts, which alone can be folded.

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
        self,
        num_slices: int,
        units: int | None = None,
        *,
        rank: int | None = None,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        if units is not None:
            check_count("units", units, 1, "it is the width of an expert")
        if rank is not None:
            check_count("rank", rank, 1, "it is the rank of an expert")
        self.units = units
        self.rank = rank
        self.activation = keras.activations.get(activation)

    @property
    def is_linear(self) -> bool:
        """Whether experts can be folded."""
        return self.activation is keras.activations.linear

    def build(self, z_shape: Any) -> None:
        check_rank("z", z_shape, "[batch, dim]")
        dim, units = z_shape[-1], self.units or z_shape[-1]
        experts, width = self.num_slices + 1, self.rank or units
        # Glorot's limit with the fans of one expert, not of all together.
        limit = (6.0 / (dim + units)) ** 0.5
        if self.rank:
            limit *= self._add_basis(self.rank, units)
        self.kernel = self.add_weight(
            shape=(dim, experts, width),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(experts, units), initializer="zeros", name="bias"
        )

    def _add_basis(self, rank: int, units: int) -> float:
        """Makes `V`; returns by how much smaller `U` must be for it.

        An optimizer such as Adam moves every weight by about as much. Few
        weights then move an expert as far as `units` of them only where the
        basis is larger by `units / rank` than one that keeps lengths.
        """
        scale = units**0.5 / rank
        self.basis = self.add_weight(
            shape=(rank, units),
            initializer=keras.initializers.RandomNormal(stddev=scale),
            name="basis",
        )
        return 1.0 / (scale * rank**0.5)

    def call(self, z: Any) -> Any:
        dim, experts, width = self.kernel.shape
        kernel = ops.reshape(self.kernel, (dim, experts * width))
        r = ops.reshape(ops.matmul(z, kernel), (-1, experts, width))
        if self.rank:
            r = ops.matmul(r, self.basis)
        return self.activation(r + self.bias)

    def fold(self, heads: Any) -> tuple[Any, Any]:
        """Returns the linear map from `z` to `r @ heads`.

        Args:
            heads: A linear map of representations, of shape
                `[units, columns]`.

        Returns:
            Its kernel of shape `[dim, slices + 1, columns]` and its bias of
            shape `[slices + 1, columns]`.

        Raises:
            ValueError: If experts are not linear.
        """
        if not self.is_linear:
            name = keras.activations.serialize(self.activation)
            raise ValueError(
                "Experts must be linear to be folded, because only linear "
                f"maps can be multiplied out. Received: activation={name}"
            )
        dim, experts, width = self.kernel.shape
        columns = ops.matmul(self.basis, heads) if self.rank else heads
        kernel = ops.reshape(self.kernel, (dim * experts, width))
        kernel = ops.reshape(ops.matmul(kernel, columns), (dim, experts, -1))
        return kernel, ops.matmul(self.bias, heads)

    def compute_output_shape(self, z_shape: Any) -> tuple[int | None, int, int]:
        units = self.units or z_shape[-1]
        return (z_shape[0], self.num_slices + 1, units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "units": self.units,
            "rank": self.rank,
            "activation": keras.activations.serialize(self.activation),
        }
