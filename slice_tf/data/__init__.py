"""Bytes to examples and back: TFRecords, membership, feature specs.

Importing this package does not load TensorFlow; `slice_tf.data.dataset`,
the `tf.data` reader, does and is therefore imported by its full name.
"""

from slice_tf.data.examples import Example, decode, encode
from slice_tf.data.feature_spec import Feature, FeatureSpec
from slice_tf.data.membership import (
    append_membership,
    read_membership,
    strip_membership,
)
from slice_tf.data.oversample import Oversample
from slice_tf.data.slice_names import append_slice_names
from slice_tf.data.tfrecord import (
    RecordError,
    frame,
    list_shards,
    read_records,
    write_records,
)

__all__ = [
    "Example",
    "Feature",
    "FeatureSpec",
    "Oversample",
    "RecordError",
    "append_membership",
    "append_slice_names",
    "decode",
    "encode",
    "frame",
    "list_shards",
    "read_membership",
    "read_records",
    "strip_membership",
    "write_records",
]
