"""Which record of which file stopped an iteration, told by reading it again."""

import contextlib
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from slice_tf.data.check import check_records
from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.parse import OUT_OF_RANGE
from slice_tf.schema import SliceSchema

# What TensorFlow raises where reading fails. It fails to decode its own
# message, too, where that quotes a record's bytes.
_ERRORS = (
    UnicodeDecodeError,
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
)
_DATA_MARKS = ("IteratorGetNext", "ParseExample", OUT_OF_RANGE)

# Where each living dataset came from, for `translated` to look again.
_SOURCES: weakref.WeakKeyDictionary[
    Any, tuple[Sequence[str], FeatureSpec, SliceSchema]
] = weakref.WeakKeyDictionary()


def remember(
    reader: Any, shards: Sequence[str], spec: FeatureSpec, schema: SliceSchema
) -> None:
    """Notes which shards a dataset reads, for as long as it is in use."""
    _SOURCES[reader] = shards, spec, schema


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


@contextlib.contextmanager
def naming(
    shards: Sequence[str], spec: FeatureSpec, schema: SliceSchema
) -> Iterator[None]:
    """Says which record of these shards stopped an iteration."""
    try:
        yield
    except _ERRORS:
        check_records(shards, spec, schema)
        raise


def _is_about_data(error: Exception) -> bool:
    """Tells an error of the input pipeline from one of the model."""
    if isinstance(error, (tf.errors.DataLossError, UnicodeDecodeError)):
        return True
    return any(mark in str(error) for mark in _DATA_MARKS)
