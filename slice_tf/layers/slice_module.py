"""What the trained and the folded module share."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slice_tf.layers.checks import (
    check_base_indicator,
    check_count,
    check_num_classes,
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
        num_classes: Number of classes, or of labels of a multi-label task. 2
            classes are a binary task with one logit.
        task: `"classification"`, `"multi_label"` or `"regression"`.
        base_indicator: `"zero"` or `"learned"`; see `SliceIndicators`.
        monitor_only: Positions of slices that get an indicator but no expert.
        temperature: Divides the scores of the attention; see
            `SliceAttention`.

    Raises:
        TypeError: If a count is no integer.
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_slices: int,
        num_classes: int | None = None,
        *,
        task: str = "classification",
        base_indicator: str = "zero",
        monitor_only: Sequence[int] = (),
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_slices = check_count(
            "num_slices", num_slices, 0, "it is the length of the slice axis"
        )
        self.num_classes = check_num_classes(num_classes, task)
        self.task = task
        self.base_indicator = check_base_indicator(base_indicator)
        self.monitor_only = check_positions(
            "monitor_only", monitor_only, self.num_slices
        )
        self.num_logits = num_logits(self.num_classes, task)
        self.slice_attention = SliceAttention(
            temperature, task, name="attention"
        )

    @property
    def is_linear(self) -> bool:
        """Whether experts are linear maps of `z`."""
        return True

    @property
    def num_experts(self) -> int:
        """Slices with an expert, the base slice counted."""
        return self.num_slices + 1 - len(self.monitor_only)

    @property
    def expert_positions(self) -> np.ndarray:
        """Positions of slices with an expert, the base slice last."""
        return np.delete(np.arange(self.num_slices + 1), self.monitor_only)

    def _read_by_indicators(self, z: Any, indicator_features: Any) -> Any:
        """Returns what indicators read: the tensor they were built on.

        Raises:
            ValueError: If it is another than that.
        """
        built = self.indicator_features_shape is not None
        called = indicator_features is not None
        if built != called:
            raise ValueError(
                "`indicator_features` must be passed always or never, because "
                "indicators have weights for the one tensor they read. "
                f"Received: built with it={built}, called with it={called}"
            )
        return indicator_features if called else z

    def _build_attention(self, dim: int) -> None:
        """Makes what needs no weights, and fixes the width of `z`."""
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: dim})
        experts = self.num_experts
        self.slice_attention.build(
            (None, experts), (None, experts, self.num_logits)
        )

    def _attend(self, q: Any, p: Any) -> Any:
        """Returns attention over experts, of shape `[batch, experts]`.

        Args:
            q: Indicator logits, of shape `[batch, slices + 1]`.
            p: Expert logits, of shape `[batch, experts, logits]`.
        """
        if self.monitor_only:
            q = ops.take(q, self.expert_positions, axis=1)
        return self.slice_attention(q, p)

    def _vote(
        self, q: Any, p: Any, votes: Any, explain: bool
    ) -> dict[str, Any]:
        """Returns the outputs, `f(z')` being the attended votes.

        Args:
            q: Indicator logits, of shape `[batch, slices + 1]`.
            p: Expert logits, of shape `[batch, experts, logits]`.
            votes: What the prediction head says of each expert, of the same
                shape.
            explain: Whether to return `contributions`, too.
        """
        a = self._attend(q, ops.cast(p, "float32"))
        contributions = a[..., None] * ops.cast(votes, "float32")
        outputs = self._outputs(q, p, a, ops.sum(contributions, axis=1))
        if explain:
            outputs["contributions"] = self._of_slices(contributions)
        return outputs

    def _outputs(self, q: Any, p: Any, a: Any, logits: Any) -> dict[str, Any]:
        """Returns the outputs as float32, under their names."""
        outputs = {
            "logits": ops.cast(logits, "float32"),
            "indicator_logits": ops.cast(q[:, : self.num_slices], "float32"),
            "expert_logits": self._of_slices(ops.cast(p, "float32")),
            "attention": self._of_slices(a),
        }
        if self.base_indicator == "learned":
            q_base = q[:, self.num_slices :]
            outputs["base_indicator_logits"] = ops.cast(q_base, "float32")
        return outputs

    def _of_slices(self, tensor: Any) -> Any:
        """Returns what experts have, with 0 for slices without an expert."""
        if not self.monitor_only:
            return tensor
        sources = np.full(self.num_slices + 1, self.num_experts)
        sources[self.expert_positions] = np.arange(self.num_experts)
        nothing = ops.zeros_like(tensor[:, :1])
        padded = ops.concatenate([tensor, nothing], axis=1)
        return ops.take(padded, sources, axis=1)

    def compute_output_shape(
        self,
        z_shape: Any,
        indicator_features_shape: Any = None,
        explain: bool = False,
    ) -> dict[str, Any]:
        del indicator_features_shape
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
        self,
        z: Any,
        indicator_features: Any = None,
        explain: bool = False,
        training: bool | None = None,
    ) -> dict[str, Any]:
        del indicator_features, training
        shapes = self.compute_output_shape(z.shape, explain=explain)
        return {
            key: keras.KerasTensor(shape, "float32")
            for key, shape in shapes.items()
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "num_classes": self.num_classes,
            "task": self.task,
            "base_indicator": self.base_indicator,
            "monitor_only": self.monitor_only,
            "temperature": self.slice_attention.temperature,
        }
