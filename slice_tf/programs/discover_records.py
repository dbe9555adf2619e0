"""Records that `slice-tf discover` reads, as arrays."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec

_BATCH = 512


def record_batches(
    data: str, rows: Any | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Yields the last shard of a batch and its records, in order of shards.

    Args:
        data: Directory or TFRecords.
        rows: Sorted numbers of those to yield; None for all.
    """
    from slice_tf.data import read_records
    from slice_tf.data.tfrecord import list_shards

    wanted = None if rows is None else set(rows.tolist())
    place, shard = 0, ""
    batch: list[bytes] = []
    for shard in list_shards(data):
        for record in read_records(shard):
            if wanted is None or place in wanted:
                batch.append(record)
            place += 1
            if len(batch) == _BATCH:
                yield shard, batch
                batch = []
    if batch:
        yield shard, batch


def parse_records(
    records: Sequence[bytes],
    spec: "FeatureSpec",
    label: bool = False,
    shard: str = "",
) -> dict[str, Any]:
    """Returns features by name, arrays `[rows, ...]`.

    Args:
        records: Serialized examples.
        spec: What to read.
        label: Whether to read the label, too.
        shard: Where they are from, for the message.

    Raises:
        ValueError: If a record lacks a feature.
    """
    import tensorflow as tf

    from slice_tf.data.parse import fill_up, parse_specs

    specs = parse_specs(spec)
    if label:
        specs[spec.label] = tf.io.FixedLenFeature([], tf.int64)
    try:
        values = fill_up(tf.io.parse_example(records, specs), spec)
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
        # TensorFlow puts a record that is no example into its message, which
        # Python cannot read then.
        told = getattr(error, "message", "a record is no tf.train.Example")
        raise ValueError(
            "Every record must have the features that the model reads"
            f"{', and the label' if label else ''}. Received: "
            f"{f'shard={shard}, ' if shard else ''}error={told}"
        ) from error
    return {name: value.numpy() for name, value in values.items()}


def sample_records(data: str, label: str, count: int, seed: int) -> Any:
    """Returns sorted numbers of records, of each class by its share.

    The data are read once, and only the labels kept.

    Raises:
        ValueError: If a record has no label.
    """
    labels = []
    for shard, records in record_batches(data):
        for record in records:
            labels.append(_label(record, label, shard))
    return stratified(np.array(labels, np.int64), count, seed)


def _label(record: bytes, name: str, shard: str) -> int:
    from slice_tf.data import decode

    try:
        feature = decode(record).features.feature
    except ValueError as error:
        raise ValueError(f"{shard}: {error}") from error
    values = list(feature[name].int64_list.value)
    if len(values) != 1:
        raise ValueError(
            "Every record must have a label, a whole number. "
            f"Received: shard={shard}, feature={name}"
        )
    return int(values[0])


def stratified(labels: Any, count: int, seed: int) -> Any:
    """Returns `count` sorted row numbers, each class by its share of rows."""
    if len(labels) <= count:
        return np.arange(len(labels))
    mixed = np.random.default_rng(seed).permutation(len(labels))
    ordered = mixed[np.argsort(labels[mixed], kind="stable")]
    # Even steps through rows that are sorted by class, and else in no order.
    steps = (np.arange(count) + 0.5) * len(labels) / count
    return np.sort(ordered[steps.astype(np.int64)])
