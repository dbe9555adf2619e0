"""The attention over experts."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slice_tf.layers.checks import (
    check_positions,
    check_rank,
    check_temperature,
)
from slice_tf.layers.confidence import confidence


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceAttention(keras.layers.Layer):
    """Weighs experts by membership and confidence.

    A slice counts where the example is likely to be in it and where its
    expert is sure: `a = softmax((q + confidence(p)) / temperature)`. It
    computes in float32 under every dtype policy unless `dtype` says otherwise.

    Args:
        monitor_only: Positions of slices that get no attention: their weight
            is exactly 0.
        temperature: Positive. Above 1 it flattens the attention.

    Call arguments:
        indicator_logits: `q`, of shape `[batch, slices + 1]`, base last.
        expert_logits: `p`, of shape `[batch, slices + 1, logits]`, base last.

    Returns:
        Attention `a`, float32 of shape `[batch, slices + 1]`; every row sums
        to 1.

    Raises:
        ValueError: If `monitor_only` holds what is no position of a slice,
            `temperature` is not positive, or an argument is of another rank.

    Source:
        Chen et al. 2019, section 3.2 (e), where `temperature` is 1.
    """

    def __init__(
        self,
        monitor_only: Sequence[int] = (),
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.temperature = check_temperature(temperature)
        self.monitor_only = tuple(int(one) for one in monitor_only)

    def build(
        self, indicator_logits_shape: Any, expert_logits_shape: Any
    ) -> None:
        q_shape, p_shape = indicator_logits_shape, expert_logits_shape
        check_rank("indicator_logits", q_shape, "[batch, slices + 1]")
        check_rank("expert_logits", p_shape, "[batch, slices + 1, logits]")
        num_slices = q_shape[-1] - 1
        check_positions("monitor_only", self.monitor_only, num_slices)
        hidden = np.zeros(num_slices + 1, bool)
        hidden[list(self.monitor_only)] = True
        self._hidden = hidden
        self.built = True

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        scores = indicator_logits + confidence(expert_logits)
        if self.temperature != 1.0:
            scores = scores / self.temperature
        if self.monitor_only:
            # The base slice is never hidden, so one finite score remains.
            scores = ops.where(self._hidden, -float("inf"), scores)
        if scores.shape[-1] == 1:
            return ops.ones_like(scores)  # Keras warns of such a softmax.
        return ops.softmax(scores, axis=-1)

    def compute_output_shape(
        self, indicator_logits_shape: Any, expert_logits_shape: Any
    ) -> Any:
        return tuple(indicator_logits_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "monitor_only": self.monitor_only,
            "temperature": self.temperature,
        }
