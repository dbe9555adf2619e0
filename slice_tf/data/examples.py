"""The `tf.train.Example` message without TensorFlow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_PACKAGE = "slice_tf"

# Message: its fields as (name, number, type). Kept in a pool and a package of
# our own, so that TensorFlow may register the originals in the same process.
_Field = descriptor_pb2.FieldDescriptorProto
_LISTS = {
    "BytesList": _Field.TYPE_BYTES,
    "FloatList": _Field.TYPE_FLOAT,
    "Int64List": _Field.TYPE_INT64,
}
_KINDS = (
    ("bytes_list", "BytesList"),
    ("float_list", "FloatList"),
    ("int64_list", "Int64List"),
)


def encode(features: Mapping[str, Any]) -> bytes:
    """Returns a serialized example, the same bytes for the same features.

    Args:
        features: Name to a str, bytes, int, float, or a sequence or array of
            one of these. Arrays are flattened in C order, text becomes UTF-8,
            floats become float32. What is boolean becomes int64.

    Raises:
        TypeError: If a value is, or holds, something else or a mixture.
        ValueError: If a sequence without a dtype is empty, or an integer does
            not fit into 64 bits.
    """
    example = Example()
    for name, value in features.items():
        kind, values = _kind_and_values(name, value)
        feature = example.features.feature[name]
        target = getattr(feature, kind)
        target.SetInParent()
        try:
            target.value.extend(values)
        except ValueError as error:
            raise ValueError(
                "A feature's integers must fit into 64 bits. Received: "
                f"feature={name!r}, error={error}"
            ) from error
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def decode(record: bytes) -> Any:
    """Returns the `Example` message of a record.

    Read its features with `.get` or through `slice_tf.slicing.Row`:
    subscripting the protobuf map inserts what is missing.

    Raises:
        ValueError: If the bytes are no serialized example.
    """
    try:
        return Example.FromString(record)
    except DecodeError as error:
        raise ValueError(
            "A record must hold a serialized `tf.train.Example`. "
            f"Received: bytes={len(record)}, error={error}"
        ) from error


def _build() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="slice_tf/example.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, type_ in _LISTS.items():
        message = file.message_type.add(name=name)
        message.field.add(
            name="value", number=1, label=_Field.LABEL_REPEATED, type=type_
        )
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, type_name) in enumerate(_KINDS, start=1):
        _add_message_field(feature, name, number, type_name, oneof_index=0)
    _add_features(file.message_type.add(name="Features"))
    example = file.message_type.add(name="Example")
    _add_message_field(example, "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.Example")
    )


def _add_features(features: descriptor_pb2.DescriptorProto) -> None:
    """Adds `map<string, Feature> feature = 1`, spelled as an entry type."""
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(
        name="key",
        number=1,
        label=_Field.LABEL_OPTIONAL,
        type=_Field.TYPE_STRING,
    )
    _add_message_field(entry, "value", 2, "Feature")
    _add_message_field(features, "feature", 1, "Features.FeatureEntry")
    features.field[0].label = _Field.LABEL_REPEATED


def _add_message_field(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    type_name: str,
    **facts: Any,
) -> None:
    message.field.add(
        name=name,
        number=number,
        label=_Field.LABEL_OPTIONAL,
        type=_Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{type_name}",
        **facts,
    )


def _kind_and_values(name: str, value: Any) -> tuple[str, list[Any]]:
    """Returns the kind's field name and a flat list of plain values."""
    if isinstance(value, np.ndarray):
        return _of_array(name, value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        value = [value]
    if not value:
        raise ValueError(
            "An empty feature must be an array with a dtype, because an empty "
            "sequence does not say what it would hold. Received: "
            f"feature={name!r}, value={value!r}"
        )
    kinds = {_kind_of(name, item) for item in value}
    if len(kinds) > 1:
        raise TypeError(
            "A feature must hold values of one kind. Received: "
            f"feature={name!r}, kinds={', '.join(sorted(kinds))}"
        )
    return kinds.pop(), [_wire_value(item) for item in value]


def _of_array(name: str, value: np.ndarray[Any, Any]) -> tuple[str, list[Any]]:
    if value.dtype.kind == "f":
        return "float_list", value.ravel().tolist()
    if value.dtype.kind == "b":
        value = value.astype(np.int64)
    if value.dtype.kind in "iu":
        return "int64_list", value.ravel().tolist()
    if value.size == 0 and value.dtype.kind in "SU":
        return "bytes_list", []
    return _kind_and_values(name, value.ravel().tolist())


def _wire_value(item: Any) -> Any:
    if isinstance(item, str):
        return item.encode()
    return int(item) if isinstance(item, (bool, np.bool_)) else item


def _kind_of(name: str, item: Any) -> str:
    if isinstance(item, (str, bytes)):
        return "bytes_list"
    if isinstance(item, (bool, int, np.integer, np.bool_)):
        return "int64_list"
    if isinstance(item, (float, np.floating)):
        return "float_list"
    raise TypeError(
        "A feature must hold str, bytes, int or float values. Received: "
        f"feature={name!r}, type={type(item).__name__}"
    )


# The message class; `Any`, because it is built when this file is imported.
Example: Any = _build()
Example.__doc__ = "A `tf.train.Example`, alike but for its class, on the wire."
