"""Records to tensors, and how often each record comes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.oversample import Oversample, class_names
from slice_tf.schema import SliceSchema

OUT_OF_RANGE = "slice_tf: a value of a record is out of range"

_ABSENT = -1  # Stands for what a record does not say.
_BLOCK = 1024  # Records that are looked at together.


class Copies:
    """How often each example comes, in TensorFlow."""

    def __init__(
        self, oversample: Oversample, spec: FeatureSpec, schema: SliceSchema
    ) -> None:
        self._schema, self._spec = schema, spec
        self._slices = oversample.of_slices(schema)
        classes = spec.num_classes if spec.task == "classification" else 0
        self._classes = oversample.of_classes(classes)
        self._members = np.zeros(schema.num_slices, np.int64)
        self._labels = np.zeros(classes, np.int64)

    def of(self, label: Any, membership: Any) -> Any:
        """Returns numbers of copies, int64 of shape `[batch]`."""
        of_slices = tf.reduce_max(membership * self._slices, axis=1)
        if not len(self._classes):
            return tf.maximum(of_slices, 1)
        return tf.maximum(tf.gather(self._classes, label), of_slices)

    def count(self, records: Any) -> int:
        """Returns how many examples a batch of records makes."""
        label, membership = self._read(records)
        number = self.of(label, membership)
        shown = tf.reduce_sum(membership * number[:, None], axis=0)
        self._members += shown.numpy()
        if len(self._labels):
            self._labels += np.bincount(label, minlength=len(self._labels))
        return int(tf.reduce_sum(number))

    def shown(self) -> npt.NDArray[np.int64]:
        """Returns the number of each slice's members, copies counted.

        Raises:
            ValueError: If of a slice or class that is to come more than once
                nothing was counted.
        """
        slices = zip(
            self._schema.names, self._slices, self._members, strict=True
        )
        classes = zip(
            class_names(len(self._labels)),
            self._classes,
            self._labels,
            strict=True,
        )
        for name, times, size in (*slices, *classes):
            if times > 1 and not size:
                raise ValueError(
                    "What to over-sample must have an example in the training "
                    "data, because there is nothing to repeat. "
                    f"Received: {name}={times}, examples=0"
                )
        return self._members

    def repeated(self, records: Any) -> Any:
        """Returns records, copies one after the other."""

        def repeat(part: Any) -> Any:
            return tf.repeat(part, self.of(*self._read(part)))

        return (
            records.batch(_BLOCK)
            .map(repeat, tf.data.AUTOTUNE, deterministic=True)
            .unbatch()
        )

    def _read(self, records: Any) -> tuple[Any, Any]:
        values = tf.io.parse_example(
            records, _label_and_membership(self._spec, self._schema)
        )
        label = values[self._spec.label]
        return label, values[self._schema.membership_key]


def _label_and_membership(spec: FeatureSpec, schema: SliceSchema) -> Any:
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
    copies: Copies | None = None,
    scale: float | None = None,
) -> Any:
    """Returns a function from batches of records to features and targets.

    With a scale, to weights, too: the scale divided by numbers of copies.
    """
    parsed = parse_specs(spec) | _label_and_membership(spec, schema)
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
        if copies is None or scale is None:
            return values, targets
        number = tf.cast(copies.of(label, membership), tf.float32)
        return values, targets, scale / number

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
