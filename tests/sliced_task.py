"""A small task with two slices, for tests of models and training."""

import json

import keras
import numpy as np

from slice_tf.data import append_membership, encode, write_records
from slice_tf.models import SliceAwareModel, build_mlp
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["small", "large"])

_X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
FEATURES = {"x": _X}
TARGETS = {
    "label": (_X[:, 0] > 0).astype("int64"),
    "membership": (_X[:, 1:3] > [1.0, 0.0]).astype("float32"),
}


def mlp():
    return build_mlp({"x": ((6,), "float32")}, units=(8,))


def made(
    num_classes,
    *,
    schema=SCHEMA,
    seed=0,
    rates="data",
    recipe="default",
    units=None,
    rank=None,
    **compile_arguments,
):
    """A compiled slice-aware model."""
    keras.utils.set_random_seed(seed)
    if isinstance(rates, str):
        rates = TARGETS["membership"].mean(axis=0)
    model = SliceAwareModel(
        mlp(),
        schema,
        num_classes,
        units=units,
        rank=rank,
        recipe=recipe,
        slice_rates=rates,
    )
    model.compile(keras.optimizers.Adam(1e-2), **compile_arguments)
    return model


def write_sliced(
    directory,
    rows=range(64),
    num_classes=2,
    schema=SCHEMA,
    labels=None,
    **columns,
):
    """Writes what `slice-tf apply` leaves, one shard of the given rows.

    More columns are features by name, a value for each row.
    """
    if labels is None:
        labels = TARGETS["label"] % num_classes
    directory.mkdir(parents=True)
    membership = TARGETS["membership"].astype(np.uint8)[:, : schema.num_slices]
    shard = directory / "part-0.tfrecord"
    records = [
        append_membership(
            encode(
                {
                    "x": FEATURES["x"][row],
                    "label": labels[row],
                    **{name: values[row] for name, values in columns.items()},
                }
            ),
            membership[row],
        )
        for row in rows
    ]
    write_records(shard, records)
    schema.save(directory)
    facts = {
        "name": shard.name,
        "num_examples": len(records),
        "num_bytes": shard.stat().st_size,
    }
    _write_json(
        directory / "manifest.json",
        {"num_examples": len(records), "shards": [facts]},
    )
    sizes = membership[list(rows)].sum(axis=0)
    slices = [
        {"name": name, "size": int(size)}
        for name, size in zip(schema.names, sizes, strict=True)
    ]
    _write_json(
        directory / "summary.json",
        {"num_examples": len(records), "slices": slices},
    )
    return directory


def _write_json(path, values):
    path.write_text(json.dumps({"format_version": 1, **values}))
