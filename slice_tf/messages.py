"""Messages of protobuf, made at run time without anybody's stubs."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Fields = Mapping[str, tuple[int, str]]

_TYPES = descriptor_pb2.FieldDescriptorProto
_MAP = "map "


def make_messages(
    package: str, messages: Mapping[str, Fields]
) -> dict[str, Any]:
    """Returns message classes by name.

    They live in a pool of their own, so that the same messages of another
    library do no harm.

    Args:
        package: Their package.
        messages: For each message its fields: name to number and type. A
            type is protobuf's word for it, or the name of one of the
            messages; `[]` after it makes the field repeated, and `map ` before
            it a map from strings to it.
    """
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(
        name=f"slice_tf/{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind, package)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{package}.{name}")
        )
        for name in messages
    }


def _add(message: Any, name: str, number: int, kind: str, package: str) -> None:
    field = message.field.add(name=name, number=number)
    field.label = _TYPES.LABEL_OPTIONAL
    if kind.startswith(_MAP):
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.name = entry.name.replace("_", "")
        entry.options.map_entry = True
        _add(entry, "key", 1, "string", package)
        _add(entry, "value", 2, kind.removeprefix(_MAP), package)
        kind = f"{message.name}.{entry.name}[]"
    if kind.endswith("[]"):
        field.label = _TYPES.LABEL_REPEATED
        kind = kind.removesuffix("[]")
    scalar = f"TYPE_{kind.upper()}"
    if scalar in _TYPES.Type.keys():  # noqa: SIM118 - no dict
        field.type = _TYPES.Type.Value(scalar)
    else:
        field.type = _TYPES.TYPE_MESSAGE
        field.type_name = f".{package}.{kind}"
