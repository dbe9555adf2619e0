"""Keras layers: indicators, experts, attention, and all of them as one."""

from slice_tf.layers.confidence import confidence
from slice_tf.layers.folded_slice_residual_attention import (
    FoldedSliceResidualAttention,
)
from slice_tf.layers.slice_attention import SliceAttention
from slice_tf.layers.slice_experts import SliceExperts
from slice_tf.layers.slice_indicators import SliceIndicators
from slice_tf.layers.slice_residual_attention import SliceResidualAttention

__all__ = [
    "FoldedSliceResidualAttention",
    "SliceAttention",
    "SliceExperts",
    "SliceIndicators",
    "SliceResidualAttention",
    "confidence",
]
