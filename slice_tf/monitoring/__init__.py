"""Slices in production, as the model's own indicators see them."""

from slice_tf.monitoring.drift import (
    MOVED,
    STEADY,
    TOO_FEW,
    SliceDrift,
    find_drift,
)
from slice_tf.monitoring.drift_table import drift_table, shares_table
from slice_tf.monitoring.estimates import Estimate, means_of, shares_of
from slice_tf.monitoring.traffic import TrafficCounts
from slice_tf.monitoring.traffic_file import (
    drift_values,
    load_traffic,
    save_traffic,
)

__all__ = [
    "MOVED",
    "STEADY",
    "TOO_FEW",
    "Estimate",
    "SliceDrift",
    "TrafficCounts",
    "drift_table",
    "drift_values",
    "find_drift",
    "load_traffic",
    "means_of",
    "save_traffic",
    "shares_of",
    "shares_table",
]
