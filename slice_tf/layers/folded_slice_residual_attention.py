"""The module as one matrix product, for serving."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_inputs
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
        num_classes: As of `SliceResidualAttention`, and so are `task`,
            `base_indicator`, `monitor_only` and `temperature`.

    Call arguments:
        z: Representations of a backbone, of shape `[batch, dim]`.
        indicator_features: What indicators read instead of `z`, of shape
            `[batch, dim]`, where they were trained on it.
        explain: Whether to return `contributions`, too.

    Returns:
        The dict of `SliceResidualAttention`.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range or `z` not of rank 2.
    """

    def __init__(
        self, num_slices: int, num_classes: int | None = None, **kwargs: Any
    ) -> None:
        kwargs = {"dtype": "float32", "trainable": False, **kwargs}
        super().__init__(num_slices, num_classes, **kwargs)

    def build(self, z_shape: Any, indicator_features_shape: Any = None) -> None:
        check_inputs(z_shape, indicator_features_shape)
        self.indicator_features_shape = indicator_features_shape
        columns = 2 * self.num_experts * self.num_logits
        if indicator_features_shape is None:
            columns += self.num_slices + 1
        else:
            self.indicator_kernel, self.indicator_bias = self._add_map(
                indicator_features_shape[-1], self.num_slices + 1, "indicator_"
            )
        self.kernel, self.bias = self._add_map(z_shape[-1], columns)
        self._build_attention(z_shape[-1])

    def _add_map(
        self, dim: int, columns: int, prefix: str = ""
    ) -> tuple[Any, Any]:
        return tuple(
            self.add_weight(
                shape=shape, initializer="zeros", name=f"{prefix}{name}"
            )
            for name, shape in (
                ("kernel", (dim, columns)),
                ("bias", (columns,)),
            )
        )

    def set_maps(
        self, indicators: tuple[Any, Any], heads: tuple[Any, Any]
    ) -> None:
        """Sets the weights to those of two linear maps of `z`.

        Args:
            indicators: Kernel `[dim, slices + 1]` and bias `[slices + 1]`.
            heads: Kernel `[dim, experts, 2 * logits]` and bias of expert
                logits and votes.
        """
        own = self.indicator_features_shape is not None
        for variable, q, head in zip(
            (self.kernel, self.bias), indicators, heads, strict=True
        ):
            # Expert logits of all, then votes of all: each is one block.
            flat = [
                ops.reshape(one, (*one.shape[:-2], -1))
                for one in ops.split(ops.cast(head, "float32"), 2, axis=-1)
            ]
            parts = flat if own else [q, *flat]
            variable.assign(ops.concatenate(parts, axis=-1))
        if own:
            self.indicator_kernel.assign(indicators[0])
            self.indicator_bias.assign(indicators[1])

    def call(
        self, z: Any, indicator_features: Any = None, explain: bool = False
    ) -> dict[str, Any]:
        read = self._read_by_indicators(z, indicator_features)
        columns = ops.matmul(z, self.kernel) + self.bias
        width = self.num_experts * self.num_logits
        if self.indicator_features_shape is None:
            q = columns[:, : self.num_slices + 1]
        else:
            q = ops.matmul(read, self.indicator_kernel) + self.indicator_bias
        p, votes = (
            ops.reshape(one, (-1, self.num_experts, self.num_logits))
            for one in (columns[:, -2 * width : -width], columns[:, -width:])
        )
        return self._vote(q, p, votes, explain)
