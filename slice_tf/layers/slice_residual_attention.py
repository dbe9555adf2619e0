"""The slice-residual-attention module, from representation to prediction."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import (
    check_base_indicator,
    check_count,
    check_positions,
    check_rank,
    num_logits,
)
from slice_tf.layers.slice_attention import SliceAttention
from slice_tf.layers.slice_experts import SliceExperts
from slice_tf.layers.slice_indicators import SliceIndicators


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceResidualAttention(keras.layers.Layer):
    """Predicts from experts of slices, weighed by learned attention (SRAM).

    Indicators `q`, experts `r`, a slice head `g` that all experts share,
    attention `a = softmax(q + confidence(p))`, the slice-aware representation
    `z' = sum_i a_i r_i` and the prediction head `f(z')`. No slicing function
    takes part: membership is learned.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        num_classes: Number of classes. 2 is a binary task with one logit.
        units: Width `h` of each expert; `None` takes the width of `z`.
        base_indicator: `"zero"` or `"learned"`; see `SliceIndicators`.
        monitor_only: Positions of slices that get an indicator but no
            attention.

    Call arguments:
        z: Representations of a backbone, of shape `[batch, dim]`.

    Returns:
        A dict of float32 tensors, `logits` being 1 for a binary task and else
        the number of classes:

        - `logits`: `f(z')`, of shape `[batch, logits]`.
        - `indicator_logits`: `q` of shape `[batch, slices]`.
        - `expert_logits`: `p = g(r)` of shape `[batch, slices + 1, logits]`,
          the base slice last.
        - `attention`: `a` of shape `[batch, slices + 1]`, the base last.
        - `base_indicator_logits`: `q_BASE` of shape `[batch, 1]`; only where
          `base_indicator` is `"learned"`.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range or `z` not of rank 2.

    Source:
        Chen et al. 2019, section 3.2, with `base_indicator="learned"`.
    """

    def __init__(
        self,
        num_slices: int,
        num_classes: int,
        units: int | None = None,
        *,
        base_indicator: str = "zero",
        monitor_only: Sequence[int] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        self.num_classes = check_count(
            "num_classes", num_classes, 2, "a prediction is among classes"
        )
        self.units = units
        self.base_indicator = check_base_indicator(base_indicator)
        self.monitor_only = check_positions(
            "monitor_only", monitor_only, self.num_slices
        )
        self._add_parts()

    def _add_parts(self) -> None:
        logits = num_logits(self.num_classes)
        policy = self.dtype_policy
        self.indicators = SliceIndicators(
            self.num_slices, self.base_indicator, name="indicators"
        )
        self.experts = SliceExperts(
            self.num_slices, self.units, dtype=policy, name="experts"
        )
        self.slice_head = keras.layers.Dense(
            logits, dtype=policy, name="slice_head"
        )
        self.slice_attention = SliceAttention(
            self.monitor_only, name="attention"
        )
        self.head = keras.layers.Dense(logits, dtype=policy, name="head")

    def build(self, z_shape: Any) -> None:
        check_rank("z", z_shape, "[batch, dim]")
        slices, units = self.num_slices + 1, self.units or z_shape[-1]
        self.indicators.build(z_shape)
        self.experts.build(z_shape)
        self.slice_head.build((None, slices, units))
        self.slice_attention.build(
            (None, slices), (None, slices, num_logits(self.num_classes))
        )
        self.head.build((None, units))
        self.built = True

    def call(self, z: Any) -> dict[str, Any]:
        q = self.indicators(z)
        r = self.experts(z)
        p = self.slice_head(r)
        a = self.slice_attention(q, p)
        z_slice_aware = ops.einsum("bs,bsu->bu", ops.cast(a, r.dtype), r)
        logits = self.head(z_slice_aware)
        return self._outputs(q, p, a, logits)

    def _outputs(self, q: Any, p: Any, a: Any, logits: Any) -> dict[str, Any]:
        outputs = {
            "logits": ops.cast(logits, "float32"),
            "indicator_logits": q[:, : self.num_slices],
            "expert_logits": ops.cast(p, "float32"),
            "attention": a,
        }
        if self.base_indicator == "learned":
            outputs["base_indicator_logits"] = q[:, self.num_slices :]
        return outputs

    def compute_output_shape(self, z_shape: Any) -> dict[str, Any]:
        batch, slices = z_shape[0], self.num_slices
        logits = num_logits(self.num_classes)
        shapes: dict[str, Any] = {
            "logits": (batch, logits),
            "indicator_logits": (batch, slices),
            "expert_logits": (batch, slices + 1, logits),
            "attention": (batch, slices + 1),
        }
        if self.base_indicator == "learned":
            shapes["base_indicator_logits"] = (batch, 1)
        return shapes

    def compute_output_spec(self, z: Any) -> dict[str, Any]:
        return {
            key: keras.KerasTensor(shape, "float32")
            for key, shape in self.compute_output_shape(z.shape).items()
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "num_classes": self.num_classes,
            "units": self.units,
            "base_indicator": self.base_indicator,
            "monitor_only": self.monitor_only,
        }
