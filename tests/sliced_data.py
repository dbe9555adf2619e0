"""Writes what `slice-tf apply` would leave, without Beam."""

import json

import numpy as np

from slice_tf.data import append_membership, encode, write_records


def write_sliced(directory, schema, shards, compressed=False):
    """Writes shards, a dict of name to records, and the files beside them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, records in shards.items():
        write_records(directory / name, records, compressed)
    schema.save(directory)
    write_manifest(directory, shards)
    return directory


def write_manifest(directory, shards):
    """Describes the shards as they are now."""
    facts = [
        {
            "name": name,
            "num_examples": len(records),
            "num_bytes": (directory / name).stat().st_size,
        }
        for name, records in shards.items()
    ]
    total = sum(one["num_examples"] for one in facts)
    manifest = {"format_version": 1, "num_examples": total, "shards": facts}
    (directory / "manifest.json").write_text(json.dumps(manifest))


def sliced_record(features, membership, unknown=None):
    """Returns an encoded example with membership; rows are lists of 0 and 1."""
    row = np.array(membership, np.uint8)
    failed = None if unknown is None else np.array(unknown, np.uint8)
    return append_membership(encode(features), row, failed)
