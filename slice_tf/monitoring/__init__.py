"""Slices in production, as the model's own indicators see them."""

from slice_tf.monitoring.accuracy import (
    AccuracyEstimate,
    estimate_accuracy,
    latest_accuracy,
)
from slice_tf.monitoring.change import (
    MOVED,
    STEADY,
    TOO_FEW,
    Change,
    SliceDrift,
)
from slice_tf.monitoring.drift import (
    drift_by_window,
    find_drift,
    latest_drift,
)
from slice_tf.monitoring.drift_table import (
    accuracy_table,
    drift_table,
    shares_table,
)
from slice_tf.monitoring.estimates import Estimate, means_of, shares_of
from slice_tf.monitoring.traffic import TrafficCounts
from slice_tf.monitoring.traffic_file import (
    drift_values,
    load_traffic,
    load_windows,
    read_traffic,
    save_traffic,
)
from slice_tf.monitoring.windows import every_of, merge_windows, window_of

__all__ = [
    "MOVED",
    "STEADY",
    "TOO_FEW",
    "AccuracyEstimate",
    "Change",
    "Estimate",
    "SliceDrift",
    "TrafficCounts",
    "accuracy_table",
    "drift_by_window",
    "drift_table",
    "drift_values",
    "estimate_accuracy",
    "every_of",
    "find_drift",
    "latest_accuracy",
    "latest_drift",
    "load_traffic",
    "load_windows",
    "means_of",
    "merge_windows",
    "read_traffic",
    "save_traffic",
    "shares_of",
    "shares_table",
    "window_of",
]
