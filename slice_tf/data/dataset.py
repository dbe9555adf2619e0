"""Sliced TFRecords as a `tf.data.Dataset`."""

import contextlib
import math
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from slice_tf.data.check import check_records
from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.sliced_directory import (
    check_sliced,
    count_records,
    slice_rates,
)
from slice_tf.data.tfrecord import is_gzip, list_shards
from slice_tf.schema import SliceSchema

__all__ = ["count_records", "load_dataset", "slice_rates", "translated"]

_FIRST_RECORDS = 100
_SHUFFLED_RECORDS = 16384
_PARSED_RECORDS = 1024
# Fixed, not chosen by the machine: the order of shuffled records depends on
# both.
_OPEN_SHARDS = 16
_BLOCK_RECORDS = 16

_OUT_OF_RANGE = "slice_tf: a value of a record is out of range"
# What TensorFlow raises where reading fails. It fails to decode its own
# message, too, where that quotes a record's bytes.
_ERRORS = (
    UnicodeDecodeError,
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
)
_DATA_MARKS = ("IteratorGetNext", "ParseExample", _OUT_OF_RANGE)

# Where each living dataset came from, for `translated` to look again.
_SOURCES: weakref.WeakKeyDictionary[
    Any, tuple[Sequence[str], FeatureSpec, SliceSchema]
] = weakref.WeakKeyDictionary()


def load_dataset(
    pattern: str | os.PathLike[str],
    spec: FeatureSpec,
    schema: SliceSchema,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int = 0,
    drop_remainder: bool = False,
    repeat: bool = False,
    cache: bool = False,
    prefetch: bool = True,
) -> tf.data.Dataset:
    """Returns batches of a sliced directory.

    Without `shuffle`, examples come in the order of the shards' names and of
    their records. With it, shards and records are shuffled anew for every
    epoch, the same way for the same seed.

    Args:
        pattern: A sliced directory, or a pattern of shards in one.
        spec: Features and label to read.
        schema: Slices that the data must have.
        batch_size: Examples in a batch.
        shuffle: Whether to shuffle.
        seed: Seed of the order. TensorFlow's global seed, where one is set,
            changes the order too.
        drop_remainder: Whether to leave out a smaller last batch.
        repeat: Whether to go on for ever, epoch after epoch.
        cache: Whether to keep parsed examples in memory, so that only the
            first epoch reads files. Shuffles across all of them then.
        prefetch: Whether to prepare batches while the model computes.

    Returns:
        A dataset of `(features, targets)`. `features` has a tensor of shape
        `[batch, *shape]` for each feature; `targets` has `label`, int64 of
        shape `[batch]`, and `membership` and `known`, float32 of 0 and 1, of
        shape `[batch, slices]`. `known` is 0 where a slicing function failed.

    Raises:
        ValueError: If there is no shard, the data is not whole, has other
            slices, or one of its first records does not fit `spec`. What
            later records do, `translated` tells.
    """
    if type(batch_size) is not int or batch_size < 1:
        raise ValueError(
            "`batch_size` must be a positive integer. Received: "
            f"batch_size={batch_size}"
        )
    shards = list_shards(pattern)
    num_examples = check_sliced(shards, schema)
    check_records(shards, spec, schema, limit=_FIRST_RECORDS)
    steps = num_examples / batch_size
    num_batches = math.floor(steps) if drop_remainder else math.ceil(steps)
    parse = _parser(spec, schema)
    if cache:
        dataset = _in_memory(shards, parse, num_examples, shuffle, seed)
        dataset = dataset.batch(batch_size, drop_remainder)
    else:
        dataset = _records(shards, shuffle, seed)
        dataset = dataset.batch(batch_size, drop_remainder).apply(parse)
    dataset = dataset.apply(
        tf.data.experimental.assert_cardinality(num_batches)
    )
    if repeat:
        dataset = dataset.repeat()
    if prefetch:
        dataset = dataset.prefetch(tf.data.AUTOTUNE)
    _SOURCES[dataset] = shards, spec, schema
    return dataset


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Says which record of which file stopped an iteration.

    TensorFlow names neither. Where its error comes from reading data, the
    shards of every dataset that `load_dataset` returned and that is still in
    use are read again without TensorFlow.

    Raises:
        ValueError: If a record is damaged or does not fit; the message names
            the file and the record, and the feature where there is one.
    """
    try:
        yield
    except _ERRORS as error:
        if _is_about_data(error):
            for shards, spec, schema in list(_SOURCES.values()):
                check_records(shards, spec, schema)
        raise


def _is_about_data(error: Exception) -> bool:
    """Tells an error of the input pipeline from one of the model."""
    if isinstance(error, (tf.errors.DataLossError, UnicodeDecodeError)):
        return True
    return any(mark in str(error) for mark in _DATA_MARKS)


def _records(shards: Sequence[str], shuffle: bool, seed: int) -> Any:
    """Returns a dataset of serialized examples, in an order of its own."""
    compressions = ["GZIP" if is_gzip(shard) else "" for shard in shards]
    files = tf.data.Dataset.from_tensor_slices((list(shards), compressions))
    if not shuffle:
        return files.flat_map(tf.data.TFRecordDataset)
    return (
        files.shuffle(len(shards), seed=seed)
        .interleave(
            tf.data.TFRecordDataset,
            cycle_length=_OPEN_SHARDS,
            block_length=_BLOCK_RECORDS,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .shuffle(_SHUFFLED_RECORDS, seed=seed)
    )


def _in_memory(
    shards: Sequence[str],
    parse: Any,
    num_examples: int,
    shuffle: bool,
    seed: int,
) -> Any:
    """Returns a dataset of parsed examples that reads its shards once."""
    batches = _records(shards, False, seed).batch(_PARSED_RECORDS).apply(parse)
    examples = batches.unbatch().cache()
    return examples.shuffle(max(1, num_examples), seed) if shuffle else examples


def _parser(spec: FeatureSpec, schema: SliceSchema) -> Any:
    """Returns a function from batches of records to features and targets."""
    slices = [schema.num_slices]
    parsed = {
        name: tf.io.FixedLenFeature(one.shape, tf.as_dtype(one.dtype))
        for name, one in spec.features.items()
    }
    parsed[spec.label] = tf.io.FixedLenFeature([], tf.int64)
    parsed[schema.membership_key] = tf.io.FixedLenFeature(slices, tf.int64)
    parsed[schema.unknown_key] = tf.io.FixedLenFeature(
        slices, tf.int64, default_value=[0] * schema.num_slices
    )

    def parse(records: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        values = tf.io.parse_example(records, parsed)
        label = values.pop(spec.label)
        membership = values.pop(schema.membership_key)
        unknown = values.pop(schema.unknown_key)
        _assert_below(label, spec.num_classes)
        _assert_below(membership, 2)
        _assert_below(unknown, 2)
        return values, {
            "label": label,
            "membership": tf.cast(membership, tf.float32),
            "known": tf.cast(1 - unknown, tf.float32),
        }

    return lambda batches: batches.map(
        parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _assert_below(values: Any, limit: int) -> None:
    inside = (values >= 0) & (values < limit)
    tf.debugging.Assert(tf.reduce_all(inside), [_OUT_OF_RANGE, values])
