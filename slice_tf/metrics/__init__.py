"""Metrics with one state tensor and an axis of slices."""

from slice_tf.metrics.slice_accuracy import SliceAccuracy
from slice_tf.metrics.slice_metrics import SliceMetrics
from slice_tf.metrics.slice_rmse import SliceRMSE

__all__ = ["SliceAccuracy", "SliceMetrics", "SliceRMSE"]
