"""Other attentions, to see what each part of the paper's is worth."""

from typing import Any

from keras import ops

from slice_tf.layers import SliceAttention
from slice_tf.layers.confidence import confidence


class UniformAttention(SliceAttention):
    """All experts weigh the same."""

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        return ops.softmax(0.0 * indicator_logits, axis=-1)


class IndicatorAttention(SliceAttention):
    """Experts weigh by membership alone: `softmax(q)`."""

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        return ops.softmax(indicator_logits, axis=-1)


class ConfidenceAttention(SliceAttention):
    """Experts weigh by confidence alone: `softmax(|p|)`."""

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        return ops.softmax(confidence(expert_logits), axis=-1)


class ProductAttention(SliceAttention):
    """The reference implementations': probabilities, multiplied.

    Softmax of P(in the slice) times P(class 1), of numbers between 0 and 1,
    is never far from uniform.
    """

    def call(self, indicator_logits: Any, expert_logits: Any) -> Any:
        in_slice = ops.sigmoid(indicator_logits)
        return ops.softmax(in_slice * ops.sigmoid(expert_logits[..., 0]), -1)


FORMS = {
    "uniform": UniformAttention,
    "indicators only": IndicatorAttention,
    "confidence only": ConfidenceAttention,
}
