"""Slices by name, for tools that slice by a feature's values."""

from collections.abc import Sequence

import numpy as np

from slice_tf.data.examples import encode
from slice_tf.data.membership import read_membership, strip_last
from slice_tf.schema import SliceSchema

# What `slice-tf apply --slice-names` writes, and a next run removes.
NAMES_KEY = "slices/names"


def append_names(
    record: bytes, names: Sequence[str], feature: str = NAMES_KEY
) -> bytes:
    """Returns a record with one feature of many strings appended."""
    return record + encode({feature: names or np.array([], "S1")})


def strip_names(record: bytes) -> bytes:
    """Returns a record without the names that `append_names` appended last.

    Raises:
        ValueError: If the record mentions them but is no protobuf message.
    """
    if record.rfind(NAMES_KEY.encode()) < 0:
        return record
    return strip_last(record, (NAMES_KEY, NAMES_KEY))


def append_slice_names(
    record: bytes, schema: SliceSchema, feature: str = "slice"
) -> bytes:
    """Returns a sliced record with the names of its slices appended.

    They become one feature of many strings, by which TensorFlow Model
    Analysis evaluates slices that overlap:
    `slicing_specs { feature_keys: ["slice"] }`. The record's own bytes stay
    as they are. A record of no slice gets an empty feature.

    Args:
        record: A serialized example with membership.
        schema: The slices.
        feature: What to call the feature.

    Raises:
        ValueError: If the record has no membership of these slices.
    """
    keys = schema.membership_key, schema.unknown_key
    membership, unknown = read_membership(record, schema.num_slices, keys)
    names = [
        name
        for name, member, missing in zip(
            schema.names, membership, unknown, strict=True
        )
        if member and not missing
    ]
    return append_names(record, names, feature)
