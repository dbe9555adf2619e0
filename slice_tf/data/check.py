"""Whether records hold what a model will read."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from slice_tf.data.examples import decode
from slice_tf.data.feature_spec import Feature, FeatureSpec
from slice_tf.data.membership import read_membership
from slice_tf.data.tfrecord import read_records
from slice_tf.schema import SliceSchema

_KINDS = {
    "bytes_list": "string",
    "float_list": "float32",
    "int64_list": "int64",
}
_ANSWERS = {
    "classification": "the index of a class",
    "multi_label": "0 or 1 for each label",
    "regression": "a finite number",
}


def check_records(
    shards: Sequence[str],
    spec: FeatureSpec,
    schema: SliceSchema,
    limit: int | None = None,
) -> None:
    """Refuses shards with a record that cannot be learned from.

    Args:
        shards: Paths of TFRecord files.
        spec: Features and label that every record must have.
        schema: Slices whose membership every record must have.
        limit: Number of records to look at; all by default.

    Raises:
        ValueError: If a record is damaged or does not fit; the message names
            the file and the record, and the feature where there is one.
    """
    for path, index, record in itertools.islice(_enumerate(shards), limit):
        try:
            check_record(record, spec, schema)
        except ValueError as error:
            raise ValueError(f"{path}: record {index}: {error}") from error


def check_record(record: bytes, spec: FeatureSpec, schema: SliceSchema) -> None:
    """Refuses a record that cannot be learned from.

    Raises:
        ValueError: If it is no example, lacks membership or a feature, has
            one of another dtype or size, or its label is out of range.
    """
    features = decode(record).features.feature
    for name, feature in spec.features.items():
        _values(features, name, feature)
    label = list(_values(features, spec.label, spec.answer))
    if not all(_is_answer(one, spec) for one in label):
        said = label[0] if spec.answer.shape == () else label
        raise ValueError(
            f"A label must be {_ANSWERS[spec.task]}. Received: "
            f"feature={spec.label!r}, label={said}, "
            f"num_classes={spec.num_classes}"
        )
    keys = (schema.membership_key, schema.unknown_key)
    read_membership(record, schema.num_slices, keys)


def _is_answer(value: float, spec: FeatureSpec) -> bool:
    if spec.task == "regression":
        return math.isfinite(value)
    limit = 2 if spec.task == "multi_label" else spec.num_classes
    return 0 <= value < limit


def _enumerate(shards: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
    for path in shards:
        for index, record in enumerate(read_records(path)):
            yield path, index, record


def _values(features: Any, name: str, expected: Feature) -> Sequence[Any]:
    feature = features.get(name)
    kind = feature.WhichOneof("kind") if feature is not None else None
    if kind is None and expected.padded:
        return ()
    if kind is None:
        raise ValueError(
            "A record must have every feature that the model reads. Received: "
            f"feature={name!r}, features={', '.join(sorted(features))}"
        )
    values: Sequence[Any] = getattr(feature, kind).value
    fits = (
        len(values) <= expected.size
        if expected.padded
        else len(values) == expected.size
    )
    if _KINDS[kind] != expected.dtype or not fits:
        raise ValueError(
            "A feature must be of the dtype and size that the model reads. "
            f"Received: feature={name!r}, dtype={_KINDS[kind]}, "
            f"values={len(values)}, expected dtype={expected.dtype}, "
            f"expected values={expected.size} (shape {expected.shape})"
        )
    return values
