"""How often each record comes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.oversample import Oversample, class_names
from slice_tf.data.parse import label_and_membership
from slice_tf.schema import SliceSchema

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

    def weigh(self, mean: float) -> Callable[[Any, Any], Any]:
        """Returns a function to weights that make up for the copies.

        Args:
            mean: Copies of an example, on the mean of all: what an example
                that comes once weighs.
        """

        def weights(label: Any, membership: Any) -> Any:
            return mean / tf.cast(self.of(label, membership), tf.float32)

        return weights

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
            records, label_and_membership(self._spec, self._schema)
        )
        label = values[self._spec.label]
        return label, values[self._schema.membership_key]
