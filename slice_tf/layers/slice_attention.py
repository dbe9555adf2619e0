"""The attention over experts."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_rank, check_temperature
from slice_tf.layers.confidence import confidence
from slice_tf.tasks import check_task


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceAttention(keras.layers.Layer):
    """Weighs experts by membership and confidence.

    A slice counts where the example is likely to be in it and where its
    expert is sure: `a = softmax((q + confidence(p)) / temperature)`. It
    computes in float32 under every dtype policy unless `dtype` says otherwise.

    Args:
        temperature: Positive. Above 1 it flattens the attention.
        task: What logits mean; see `confidence`.

    Call arguments:
        indicator_logits: `q`, of shape `[batch, experts]`, base last.
        expert_logits: `p`, of shape `[batch, experts, logits]`, base last.

    Returns:
        Attention `a`, float32 of shape `[batch, experts]`; every row sums to
        1.

    Raises:
        ValueError: If `temperature` is not positive, `task` unknown, or an
            argument is of another rank.

    Source:
        Chen et al. 2019, section 3.2 (e), where `temperature` is 1.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        task: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.temperature = check_temperature(temperature)
        self.task = check_task(task)

    def build(
        self, indicator_logits_shape: Any, expert_logits_shape: Any
    ) -> None:
        q_shape, p_shape = indicator_logits_shape, expert_logits_shape
        check_rank("indicator_logits", q_shape, "[batch, experts]")
        check_rank("expert_logits", p_shape, "[batch, experts, logits]")

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        scores = indicator_logits + confidence(expert_logits, self.task)
        if self.temperature != 1.0:
            scores = scores / self.temperature
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
            "temperature": self.temperature,
            "task": self.task,
        }
