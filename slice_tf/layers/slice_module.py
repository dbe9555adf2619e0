"""What the trained and the folded module share."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import (
    check_base_indicator,
    check_count,
    check_positions,
    num_logits,
)
from slice_tf.layers.slice_attention import SliceAttention


class SliceModule(keras.layers.Layer):
    """Predicts by attention over what experts of slices say.

    A subclass gives indicators `q`, expert logits `p = g(r)` and votes `f(r)`:
    what the prediction head would say of each expert alone. As the head is
    linear and attention sums to 1, `f(z') = sum_i a_i f(r_i)`.

    Args:
        num_slices: Number of slices, the base slice not counted; may be 0.
        num_classes: Number of classes. 2 is a binary task with one logit.
        base_indicator: `"zero"` or `"learned"`; see `SliceIndicators`.
        monitor_only: Positions of slices that get an indicator but no
            attention.
        temperature: Divides the scores of the attention; see
            `SliceAttention`.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_slices: int,
        num_classes: int,
        *,
        base_indicator: str = "zero",
        monitor_only: Sequence[int] = (),
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        self.num_classes = check_count(
            "num_classes", num_classes, 2, "a prediction is among classes"
        )
        self.base_indicator = check_base_indicator(base_indicator)
        self.monitor_only = check_positions(
            "monitor_only", monitor_only, self.num_slices
        )
        self.num_logits = num_logits(self.num_classes)
        self.slice_attention = SliceAttention(
            self.monitor_only, temperature, name="attention"
        )

    @property
    def is_linear(self) -> bool:
        """Whether experts are linear maps of `z`."""
        return True

    def build_attention(self, dim: int) -> None:
        """Makes what needs no weights, and fixes the width of `z`."""
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: dim})
        slices = self.num_slices + 1
        self.slice_attention.build(
            (None, slices), (None, slices, self.num_logits)
        )

    def vote(self, q: Any, heads: Any, explain: bool) -> dict[str, Any]:
        """Returns the outputs, `f(z')` being the attended votes.

        Args:
            q: Indicator logits, of shape `[batch, slices + 1]`.
            heads: Expert logits and votes, of shape
                `[batch, slices + 1, 2 * logits]`.
            explain: Whether to return `contributions`, too.
        """
        heads = ops.cast(heads, "float32")
        p, votes = ops.split(heads, 2, axis=-1)
        a = self.slice_attention(q, p)
        contributions = a[..., None] * votes
        outputs = self.outputs(q, p, a, ops.sum(contributions, axis=1))
        return outputs | ({"contributions": contributions} if explain else {})

    def outputs(self, q: Any, p: Any, a: Any, logits: Any) -> dict[str, Any]:
        """Returns the outputs as float32, under their names."""
        outputs = {
            "logits": ops.cast(logits, "float32"),
            "indicator_logits": q[:, : self.num_slices],
            "expert_logits": ops.cast(p, "float32"),
            "attention": a,
        }
        if self.base_indicator == "learned":
            outputs["base_indicator_logits"] = q[:, self.num_slices :]
        return outputs

    def compute_output_shape(
        self, z_shape: Any, explain: bool = False
    ) -> dict[str, Any]:
        batch, slices = z_shape[0], self.num_slices
        shapes: dict[str, Any] = {
            "logits": (batch, self.num_logits),
            "indicator_logits": (batch, slices),
            "expert_logits": (batch, slices + 1, self.num_logits),
            "attention": (batch, slices + 1),
        }
        if self.base_indicator == "learned":
            shapes["base_indicator_logits"] = (batch, 1)
        if explain:
            shapes["contributions"] = shapes["expert_logits"]
        return shapes

    def compute_output_spec(
        self, z: Any, explain: bool = False, training: bool | None = None
    ) -> dict[str, Any]:
        del training
        shapes = self.compute_output_shape(z.shape, explain)
        return {
            key: keras.KerasTensor(shape, "float32")
            for key, shape in shapes.items()
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "num_classes": self.num_classes,
            "base_indicator": self.base_indicator,
            "monitor_only": self.monitor_only,
            "temperature": self.slice_attention.temperature,
        }
