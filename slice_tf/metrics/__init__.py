"""Metrics with one state tensor and an axis of slices."""

from slice_tf.metrics.slice_accuracy import SliceAccuracy

__all__ = ["SliceAccuracy"]
