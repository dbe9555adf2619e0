"""The module as one matrix product, for serving."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_rank
from slice_tf.layers.slice_module import SliceModule


@keras.saving.register_keras_serializable(package="slice_tf")
class FoldedSliceResidualAttention(SliceModule):
    """`SliceResidualAttention` with its linear maps multiplied out.

    Indicators, experts and heads are linear, so all that an example needs is
    one product of `z` with a matrix of `[dim, (slices + 1) * (1 + 2 *
    logits)]`, whatever the width of the experts: 100 slices of width 128 on
    768 features are 0.23 million weights instead of 10.0 million.
    `SliceResidualAttention.fold` makes it. It computes in float32 unless
    `dtype` says otherwise.

    It does not train: these matrices, trained by themselves, were measured to
    learn worse than the factors they are made of.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        num_classes: Number of classes. 2 is a binary task with one logit.
        base_indicator: `"zero"` or `"learned"`; see `SliceIndicators`.
        monitor_only: Positions of slices that get an indicator but no
            attention.
        temperature: Divides the scores of the attention; see
            `SliceAttention`.

    Call arguments:
        z: Representations of a backbone, of shape `[batch, dim]`.
        explain: Whether to return `contributions`, too.

    Returns:
        The dict of `SliceResidualAttention`.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range or `z` not of rank 2.
    """

    def __init__(self, num_slices: int, num_classes: int, **kwargs: Any):
        kwargs = {"dtype": "float32", "trainable": False, **kwargs}
        super().__init__(num_slices, num_classes, **kwargs)

    def build(self, z_shape: Any) -> None:
        check_rank("z", z_shape, "[batch, dim]")
        columns = (self.num_slices + 1) * (1 + 2 * self.num_logits)
        self.kernel = self.add_weight(
            shape=(z_shape[-1], columns), initializer="zeros", name="kernel"
        )
        self.bias = self.add_weight(
            shape=(columns,), initializer="zeros", name="bias"
        )
        self.build_attention(z_shape[-1])
        self.built = True

    def set_maps(
        self, indicators: tuple[Any, Any], heads: tuple[Any, Any]
    ) -> None:
        """Sets the weights to those of two linear maps of `z`.

        Args:
            indicators: Kernel `[dim, slices + 1]` and bias `[slices + 1]`.
            heads: Kernel `[dim, slices + 1, 2 * logits]` and bias of expert
                logits and votes.
        """
        variables = (self.kernel, self.bias)
        for variable, q, p in zip(variables, indicators, heads, strict=True):
            flat = ops.reshape(p, (*variable.shape[:-1], -1))
            variable.assign(
                ops.concatenate([q, ops.cast(flat, "float32")], axis=-1)
            )

    def call(self, z: Any, explain: bool = False) -> dict[str, Any]:
        slices, width = self.num_slices + 1, 2 * self.num_logits
        columns = ops.matmul(z, self.kernel) + self.bias
        heads = ops.reshape(columns[:, slices:], (-1, slices, width))
        return self.vote(columns[:, :slices], heads, explain)
