"""Records to tensors."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.schema import SliceSchema

OUT_OF_RANGE = "slice_tf: a value of a record is out of range"

_ABSENT = -1  # Stands for what a record does not say.


def label_and_membership(spec: FeatureSpec, schema: SliceSchema) -> Any:
    """Returns how label and membership are parsed."""
    slices = [schema.num_slices]
    answer = spec.answer
    return {
        spec.label: tf.io.FixedLenFeature(answer.shape, answer.dtype),
        schema.membership_key: tf.io.FixedLenFeature(slices, tf.int64),
    }


def parse_specs(spec: FeatureSpec) -> dict[str, Any]:
    """Returns how features are parsed; `fill_up` makes the result dense."""
    return {
        name: tf.io.FixedLenSequenceFeature([], one.dtype, allow_missing=True)
        if one.padded
        else tf.io.FixedLenFeature(one.shape, one.dtype)
        for name, one in spec.features.items()
    }


def fill_up(values: dict[str, Any], spec: FeatureSpec) -> dict[str, Any]:
    """Fills padded features up to their size.

    Args:
        values: What was parsed: padded features of shape `[batch, longest]`.
        spec: The features.

    Returns:
        The same values; padded features of shape `[batch, size]`. A list that
        is longer fails its batch.
    """
    filled = dict(values)
    for name, one in spec.features.items():
        if one.padded:
            missing = one.size - tf.shape(values[name])[1]
            longer = f"slice_tf: {name} has more than {one.size} values"
            check = tf.debugging.Assert(missing >= 0, [longer])
            with tf.control_dependencies([check] if check is not None else []):
                short = tf.pad(values[name], [[0, 0], [0, missing]])
            filled[name] = tf.ensure_shape(short, [None, one.size])
    return filled


def make_parser(
    spec: FeatureSpec,
    schema: SliceSchema,
    weigh: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """Returns a function from batches of records to features and targets.

    Where `weigh` makes weights, float32 of shape `[batch]`, of label and
    membership, they come third.
    """
    parsed = parse_specs(spec) | label_and_membership(spec, schema)
    # Few records have it. A row of defaults for all others costs as much as
    # membership itself, and this is empty in a batch where no record has it.
    parsed[schema.unknown_key] = tf.io.FixedLenSequenceFeature(
        [], tf.int64, allow_missing=True, default_value=_ABSENT
    )

    def parse(records: Any) -> tuple[Any, ...]:
        values = fill_up(tf.io.parse_example(records, parsed), spec)
        label = values.pop(spec.label)
        membership = values.pop(schema.membership_key)
        known, fits = _known(values.pop(schema.unknown_key), membership)
        fits &= _is_answer(label, spec) & _below(membership, 2)
        tf.debugging.Assert(fits, [OUT_OF_RANGE])
        targets = {
            "label": label,
            "membership": tf.cast(membership, tf.float32),
            "known": known,
        }
        if weigh is None:
            return values, targets
        return values, targets, weigh(label, membership)

    return lambda batches: batches.map(
        parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _known(unknown: Any, membership: Any) -> tuple[Any, Any]:
    """Returns what is known, and whether it was written as it must be."""
    shape = tf.shape(membership)

    def of_rows() -> tuple[Any, Any]:
        rows = tf.reshape(unknown, shape)
        absent = tf.reduce_all(rows == _ABSENT, axis=1)
        whole = tf.reduce_all((rows == 0) | (rows == 1), axis=1)
        known = tf.cast(rows != 1, tf.float32)
        return known, tf.reduce_all(absent | whole)

    known, fits = tf.cond(
        tf.shape(unknown)[1] > 0, of_rows, lambda: (tf.ones(shape), True)
    )
    return tf.ensure_shape(known, membership.shape), fits


def _is_answer(label: Any, spec: FeatureSpec) -> Any:
    """Tells whether all of a batch's labels are what the task wants."""
    if spec.task == "regression":
        return tf.reduce_all(tf.math.is_finite(label))
    return _below(label, 2 if spec.task == "multi_label" else spec.num_classes)


def _below(values: Any, limit: int) -> Any:
    """Tells whether all of them are from 0 to below a limit."""
    # Without their sign, negative ones are huge.
    largest = tf.reduce_max(tf.bitcast(values, tf.uint64))
    return largest < limit
