"""Membership at the end of a record.

What slicing functions say is appended to a serialized `tf.train.Example` as
one more serialized example. Protobuf merges concatenated messages, so every
parser sees the added features, and the user's own bytes stay as they were.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slice_tf.data.examples import decode
from slice_tf.schema import SliceSchema

Votes = npt.NDArray[np.uint8]
Keys = tuple[str, str]

_DEFAULT = SliceSchema(())
KEYS: Keys = (_DEFAULT.membership_key, _DEFAULT.unknown_key)

# Field number and wire type of a length-delimited field, as one byte.
_FIELD_1, _FIELD_2, _FIELD_3 = 0x0A, 0x12, 0x1A


def append_membership(
    record: bytes,
    membership_row: Votes | bytes,
    unknown_row: Votes | bytes | None = None,
    keys: Keys = KEYS,
) -> bytes:
    """Returns a record with membership appended.

    Args:
        record: A serialized example. What `strip_membership` would remove
            should be gone, or the record grows with every call; the last
            membership counts in any case.
        membership_row: 0 or 1 for each slice, of shape `[slices]`, uint8.
        unknown_row: 1 where a slicing function failed, of the same shape.
            None or all zeros where none did: nothing is written then.
        keys: Names of the membership and unknown features.

    Raises:
        ValueError: If a row is of another type or shape, or has another value
            than 0 and 1, or the rows differ in length.
    """
    membership = _bytes_of(membership_row)
    unknown = b"" if unknown_row is None else _bytes_of(unknown_row)
    if unknown and len(unknown) != len(membership):
        raise ValueError(
            "Membership and unknown must have one value a slice. Received: "
            f"membership={len(membership)}, unknown={len(unknown)} values"
        )
    layout = _layout(len(membership), keys)
    # A record that someone merged and wrote again may hold an old `unknown`,
    # which silence would not overrule. `rfind` is twice as fast as `in` here.
    if 1 not in unknown and record.rfind(layout.unknown_key) < 0:
        return b"".join((record, layout.alone, membership))
    unknown = unknown or bytes(len(membership))
    return b"".join((record, layout.first, membership, layout.second, unknown))


def strip_membership(record: bytes, keys: Keys = KEYS) -> bytes:
    """Returns a record without the membership appended to it.

    Only a last top-level field that holds our features and no other is
    removed; any other record is returned as it is.

    Raises:
        ValueError: If the record mentions our features but is no protobuf
            message.
    """
    # The last byte of what was appended is a slice's 0 or 1.
    if not record or record[-1] > 1 or record.rfind(keys[0].encode()) < 0:
        return record
    return strip_last(record, keys)


def strip_last(record: bytes, keys: Keys) -> bytes:
    """Returns a record without its last fragment, where that is ours.

    Args:
        record: A serialized example.
        keys: Features that a fragment of ours holds: the first always, the
            second maybe, and no other.

    Raises:
        ValueError: If the record is no protobuf message.
    """
    start, field, payload = 0, 0, b""
    position = 0
    while position < len(record):
        start = position
        field, payload, position = _field(record, position)
    if field == _FIELD_1 and _is_ours(payload, keys):
        return record[:start]
    return record


def read_membership(
    record: bytes, num_slices: int, keys: Keys = KEYS
) -> tuple[Votes, Votes]:
    """Returns what slicing functions said about a record.

    Args:
        record: A serialized example with membership.
        num_slices: Number of slices it must have.
        keys: Names of the membership and unknown features.

    Returns:
        Membership and unknown, each uint8 of shape `[slices]`.

    Raises:
        ValueError: If the record is no example, has no membership, or one of
            another length or with other values than 0 and 1.
    """
    features = decode(record).features.feature
    if keys[0] not in features:
        raise ValueError(
            "A record must have slice membership. Received: "
            f"features={', '.join(sorted(features)) or 'none'}. Run "
            "`slice-tf apply` over the data first."
        )
    membership = _checked(features.get(keys[0]), keys[0], num_slices)
    if keys[1] not in features:
        return membership, np.zeros(num_slices, np.uint8)
    return membership, _checked(features.get(keys[1]), keys[1], num_slices)


def _checked(feature: Any, key: str, num_slices: int) -> Votes:
    values = list(feature.int64_list.value)
    if len(values) != num_slices or not {0, 1}.issuperset(values):
        raise ValueError(
            f"The feature `{key}` must hold 0 or 1 for each of {num_slices} "
            f"slices. Received: {key}={values[:32]}, length={len(values)}"
        )
    return np.frombuffer(bytearray(values), np.uint8)


class _Layout(NamedTuple):
    """The bytes around the rows of a fragment."""

    unknown_key: bytes
    alone: bytes  # before membership, where no function failed
    first: bytes  # before membership, where some did
    second: bytes  # before unknown


@functools.lru_cache(maxsize=64)
def _layout(num_slices: int, keys: Keys) -> _Layout:
    first, second = (_entry(num_slices, key) for key in keys)
    one = len(first) + num_slices
    both = one + len(second) + num_slices
    return _Layout(
        keys[1].encode(),
        _delimited(_FIELD_1, one) + first,
        _delimited(_FIELD_1, both) + first,
        second,
    )


def _bytes_of(row: Votes | bytes) -> bytes:
    values = row if isinstance(row, bytes) else row.tobytes()
    if len(values) != len(row) or values.strip(b"\x00\x01"):
        raise ValueError(
            "Membership must be rows of 0 and 1, uint8 of shape (slices,), "
            f"because each becomes one byte. Received: row={row!r}"
        )
    return values


def _entry(num_slices: int, key: str) -> bytes:
    """Returns `Features.feature[key] = int64_list` up to the packed values.

    A varint of 0 or 1 is one byte, so the values are the row itself.
    """
    values = _delimited(_FIELD_1, num_slices)
    int64_list = _delimited(_FIELD_3, len(values) + num_slices) + values
    name = key.encode()
    entry = b"".join(
        (
            _delimited(_FIELD_1, len(name)),
            name,
            _delimited(_FIELD_2, len(int64_list) + num_slices),
            int64_list,
        )
    )
    return _delimited(_FIELD_1, len(entry) + num_slices) + entry


def _delimited(field: int, size: int) -> bytes:
    """Returns the tag and the length of a length-delimited field."""
    varint = bytearray([field])
    while size > 0x7F:
        varint.append(size & 0x7F | 0x80)
        size >>= 7
    varint.append(size)
    return bytes(varint)


def _is_ours(features: bytes, keys: Keys) -> bool:
    """Tells whether a `Features` message holds our features and no other."""
    names = set()
    for field, entry in _fields(features):
        parts = list(_fields(entry)) if field == _FIELD_1 else []
        if [part for part, _ in parts] != [_FIELD_1, _FIELD_2]:
            return False
        names.add(parts[0][1])
    ours = {key.encode() for key in keys}
    return keys[0].encode() in names and names <= ours


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(message):
        field, payload, position = _field(message, position)
        yield field, payload


def _field(message: bytes, position: int) -> tuple[int, bytes, int]:
    """Returns a field's tag, its payload, and where the next one starts."""
    tag, position = _varint(message, position)
    kind = tag & 7
    if kind == 0:
        _, stop = _varint(message, position)
    elif kind == 2:
        size, position = _varint(message, position)
        stop = position + size
    elif kind in (1, 5):
        stop = position + (8 if kind == 1 else 4)
    else:
        raise _malformed(message)
    if stop > len(message):
        raise _malformed(message)
    return tag, message[position:stop], stop


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[position : position + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, position + shift + 1
    raise _malformed(message)


def _malformed(message: bytes) -> ValueError:
    return ValueError(
        "A record must be a serialized protobuf message. "
        f"Received: bytes={len(message)}"
    )
