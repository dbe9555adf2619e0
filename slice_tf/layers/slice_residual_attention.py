"""The slice-residual-attention module, from representation to prediction."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_inputs
from slice_tf.layers.folded_slice_residual_attention import (
    FoldedSliceResidualAttention,
)
from slice_tf.layers.form import check_form, is_folding_cheaper
from slice_tf.layers.slice_experts import SliceExperts
from slice_tf.layers.slice_indicators import SliceIndicators
from slice_tf.layers.slice_module import SliceModule


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceResidualAttention(SliceModule):
    """Predicts from experts of slices, weighed by learned attention (SRAM).

    Indicators `q`, experts `r`, a slice head `g` that all experts share,
    attention `a = softmax(q + confidence(p))`, the slice-aware representation
    `z' = sum_i a_i r_i` and the prediction head `f(z')`. No slicing function
    takes part: membership is learned.

    Experts and heads are linear, so `g(W_i z) = (g W_i) z`. The folded form
    multiplies the weights first and never makes the `[batch, slices, units]`
    tensor of representations; outputs and gradients are the same up to
    rounding.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        num_classes: Number of classes, or of labels of a multi-label task;
            left out where a number is predicted. 2 classes are a binary task
            with one logit.
        units: Width `h` of each expert; `None` takes the width of `z`.
        task: `"classification"`: an example is of one class;
            `"multi_label"`: each label applies or not; `"regression"`: a
            number is predicted. See `confidence`.
        base_indicator: `"zero"` or `"learned"`; see `SliceIndicators`.
        monitor_only: Positions of slices that get an indicator but no expert:
            they cost one column of weights, and their expert logits and
            attention are 0.
        temperature: Divides the scores of the attention; see
            `SliceAttention`.
        indicator_dropout: Share of `z` that indicators do not see in
            training.
        rank: Rank of each expert's matrix; `None` leaves it full. See
            `SliceExperts`.
        activation: Name of an activation of the experts; `None` leaves them
            linear. Others take the direct form and cannot be folded.
        form: `"direct"` makes every representation, as the paper is written;
            `"folded"` multiplies weights first; `"auto"` takes the one with
            fewer operations at the shapes at hand.

    Call arguments:
        z: Representations of a backbone, of shape `[batch, dim]`.
        indicator_features: What indicators read instead of `z`, of shape
            `[batch, dim]`, the width being their own; `None` leaves them `z`.
        explain: Whether to return `contributions`, too.

    Returns:
        A dict of float32 tensors, `logits` being 1 for a binary task or a
        number, and else the number of classes or labels:

        - `logits`: `f(z')`, of shape `[batch, logits]`.
        - `indicator_logits`: `q` of shape `[batch, slices]`.
        - `expert_logits`: `p = g(r)` of shape `[batch, slices + 1, logits]`,
          the base slice last.
        - `attention`: `a` of shape `[batch, slices + 1]`, the base last.
        - `base_indicator_logits`: `q_BASE` of shape `[batch, 1]`; only where
          `base_indicator` is `"learned"`.
        - `contributions`: `a_i f(r_i)` of shape `[batch, slices + 1,
          logits]`, which sum to `logits`; only where `explain` is true.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range or `z` not of rank 2.

    Source:
        Chen et al. 2019, section 3.2, with `base_indicator="learned"`.
    """

    def __init__(
        self,
        num_slices: int,
        num_classes: int | None = None,
        units: int | None = None,
        *,
        task: str = "classification",
        base_indicator: str = "zero",
        monitor_only: Sequence[int] = (),
        temperature: float = 1.0,
        indicator_dropout: float = 0.0,
        rank: int | None = None,
        activation: Any = None,
        form: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_slices,
            num_classes,
            task=task,
            base_indicator=base_indicator,
            monitor_only=monitor_only,
            temperature=temperature,
            **kwargs,
        )
        self.units = units
        self.rank = rank
        self.form = check_form(form)
        self._add_parts(indicator_dropout, activation)
        if form == "folded" and not self.is_linear:
            raise ValueError(
                '`form` must not be "folded" where experts are not linear, '
                "because only linear maps can be multiplied out. "
                f"Received: form={form!r}, activation={activation!r}"
            )

    def _add_parts(self, indicator_dropout: float, activation: Any) -> None:
        logits, policy = self.num_logits, self.dtype_policy
        self.indicators = SliceIndicators(
            self.num_slices, self.base_indicator, name="indicators"
        )
        self.indicator_dropout = keras.layers.Dropout(
            indicator_dropout, name="indicator_dropout"
        )
        self.experts = SliceExperts(
            self.num_experts - 1,
            self.units,
            rank=self.rank,
            activation=activation,
            dtype=policy,
            name="experts",
        )
        self.slice_head = keras.layers.Dense(
            logits, dtype=policy, name="slice_head"
        )
        self.head = keras.layers.Dense(logits, dtype=policy, name="head")

    @property
    def is_linear(self) -> bool:
        return self.experts.is_linear

    def build(self, z_shape: Any, indicator_features_shape: Any = None) -> None:
        check_inputs(z_shape, indicator_features_shape)
        units = self.units or z_shape[-1]
        self.indicator_features_shape = indicator_features_shape
        self.indicators.build(indicator_features_shape or z_shape)
        self.experts.build(z_shape)
        self.slice_head.build((None, self.num_experts, units))
        self._build_attention(z_shape[-1])
        self.head.build((None, units))

    def call(
        self,
        z: Any,
        indicator_features: Any = None,
        explain: bool = False,
        training: bool | None = None,
    ) -> dict[str, Any]:
        read = self._read_by_indicators(z, indicator_features)
        q = self.indicators(self.indicator_dropout(read, training=training))
        if self._folds(z.shape[0]):
            kernel, bias = self._fold_heads()
            flat = ops.reshape(kernel, (z.shape[-1], -1))
            heads = ops.reshape(ops.matmul(z, flat), (-1, *bias.shape)) + bias
            p, votes = ops.split(heads, 2, axis=-1)
            return self._vote(q, p, votes, explain)
        r = self.experts(z)
        p = self.slice_head(r)
        if explain:
            return self._vote(q, p, self.head(r), explain)
        a = self._attend(q, ops.cast(p, "float32"))
        z_slice_aware = ops.einsum("bs,bsu->bu", ops.cast(a, r.dtype), r)
        return self._outputs(q, p, a, self.head(z_slice_aware))

    def _folds(self, batch: int | None) -> bool:
        if self.form != "auto" or not self.is_linear:
            return self.form == "folded"
        width, columns = self.experts.kernel.shape[-1], 2 * self.num_logits
        return is_folding_cheaper(batch, width, columns)

    def _fold_heads(self) -> tuple[Any, Any]:
        """Returns the linear map from `z` to `g(r)` and `f(r)` at once."""
        g, f = self.slice_head, self.head
        kernel, bias = self.experts.fold(
            ops.concatenate([g.kernel, f.kernel], axis=-1)
        )
        return kernel, bias + ops.concatenate([g.bias, f.bias], axis=-1)

    def fold(self) -> FoldedSliceResidualAttention:
        """Returns the module as one matrix product, for serving.

        Its outputs are these up to rounding. It holds copies of the weights
        as they are now.

        Raises:
            ValueError: If the module has no weights yet, or its experts are
                not linear.
        """
        if not self.built:
            raise ValueError(
                "A module must have weights to be folded. Received: "
                "built=False. Build it, or call it once."
            )
        folded = FoldedSliceResidualAttention(
            self.num_slices,
            self.num_classes,
            task=self.task,
            base_indicator=self.base_indicator,
            monitor_only=self.monitor_only,
            temperature=self.slice_attention.temperature,
            name=self.name,
        )
        dim = self.experts.kernel.shape[0]
        folded.build((None, dim), self.indicator_features_shape)
        folded.set_maps(self.indicators.linear_map(), self._fold_heads())
        return folded

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "indicator_dropout": self.indicator_dropout.rate,
            "rank": self.rank,
            "activation": self.experts.get_config()["activation"],
            "form": self.form,
        }
