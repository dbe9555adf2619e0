"""Tensor protos to NumPy arrays and back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import BY_NUMBER, Array, Dtype

_MAX_RANK = 64  # of NumPy
_MAX_SIZE = 2**63 - 1


def decode(proto: Any, name: str, max_elements: int) -> Array:
    """Returns the array of a `TensorProto`.

    As in TensorFlow, too few values are filled up with the last one, none
    stands for zeros, and an unknown rank for a scalar. Unlike there, the
    number of elements is bounded before memory is taken, and integers that
    do not fit are refused.

    Args:
        proto: The message.
        name: Name of the input, for errors.
        max_elements: Bound on elements that are not in the message as bytes.

    Raises:
        ApiError: If type, shape and content contradict one another, or the
            bound is exceeded.
    """
    dtype = BY_NUMBER.get(proto.dtype)
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if dtype is None or len(shape) > _MAX_RANK or min(shape, default=0) < 0:
        raise _malformed(name)
    size = math.prod(shape)
    if size > _MAX_SIZE:
        raise _malformed(name)
    if proto.tensor_content:
        return _from_content(proto.tensor_content, dtype, shape, size, name)
    if size > max_elements:
        raise ApiError(
            Code.RESOURCE_EXHAUSTED,
            f"tensor parsing error: {name}: {size} elements are more than "
            f"this server's limit of {max_elements}",
        )
    flat = _from_values(proto, dtype, size, name)
    return _reshaped(flat, shape, name)


def decode_all(
    protos: Mapping[str, Any], max_elements: int
) -> dict[str, Array]:
    """Returns the arrays of a request's tensors, by name.

    Raises:
        ApiError: If one is malformed or too large.
    """
    return {
        name: decode(proto, name, max_elements)
        for name, proto in protos.items()
    }


def fill(proto: Any, array: Array, dtype: Dtype, *, content: bool) -> None:
    """Writes an array into an empty `TensorProto`.

    Args:
        proto: The message.
        array: Values; text and bytes as objects.
        dtype: Their type.
        content: Whether numbers go in as bytes, which is faster to read, or
            as values, which is what TensorFlow Serving answers with.
    """
    proto.dtype = dtype.number
    proto.tensor_shape.SetInParent()  # A scalar's is empty, but there.
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if dtype.is_string:
        values: Any = [to_bytes(value) for value in array.ravel()]
    elif content:
        proto.tensor_content = np.ascontiguousarray(
            array, dtype=np.dtype(dtype.array).newbyteorder("<")
        ).tobytes()
        return
    elif dtype.name == "DT_HALF":
        values = array.ravel().view(np.uint16).tolist()
    else:
        values = array.ravel().tolist()
    getattr(proto, dtype.field).extend(values)


def to_bytes(value: Any) -> bytes:
    """Returns text as UTF-8 and bytes as they are.

    Raises:
        TypeError: If the value is neither.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(
        "A string tensor must hold str or bytes. "
        f"Received: type={type(value).__name__}"
    )


def _from_content(
    content: bytes, dtype: Dtype, shape: tuple[int, ...], size: int, name: str
) -> Array:
    if dtype.is_string:
        return _reshaped(_strings(content, size, name), shape, name)
    if len(content) != size * dtype.item_bytes:
        raise _malformed(name)
    order = np.dtype(dtype.array).newbyteorder("<")
    return _reshaped(np.frombuffer(content, order), shape, name)


def _strings(content: bytes, size: int, name: str) -> Array:
    """Reads the lengths of strings, as varints, and what follows, their bytes.

    TensorFlow Serving writes strings so where it is told to answer with
    `tensor_content`.
    """
    lengths: list[int] = []
    length = shift = start = 0
    for byte in content:
        if len(lengths) == size:
            break
        start += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            lengths.append(length)
            length = shift = 0
    if len(lengths) < size or start + sum(lengths) != len(content):
        raise _malformed(name)
    flat = np.empty(size, object)
    for position, length in enumerate(lengths):
        flat[position] = content[start : start + length]
        start += length
    return flat


def _from_values(proto: Any, dtype: Dtype, size: int, name: str) -> Array:
    values = getattr(proto, dtype.field)
    count = min(len(values), size)
    if not count:
        empty: Any = b"" if dtype.is_string else 0
        return np.full(size, empty, dtype.array)
    flat = np.empty(size, dtype.array)
    flat[:count] = _array(values[:count], dtype, name)
    flat[count:] = flat[count - 1]
    return flat


def _array(values: Any, dtype: Dtype, name: str) -> Array:
    if dtype.is_string:
        return np.array([*values, None], object)[:-1]
    if dtype.name == "DT_HALF":
        bits = np.fromiter(values, np.int64, len(values))
        return bits.astype(np.uint16).view(np.float16)
    if dtype.field != "int_val":
        return np.fromiter(values, dtype.array, len(values))
    wide = np.fromiter(values, np.int32, len(values))
    narrow = wide.astype(dtype.array)
    if (narrow != wide).any():
        raise invalid(
            f"tensor parsing error: {name}: a value does not fit into "
            f"{dtype.text}"
        )
    return narrow


def _reshaped(flat: Array, shape: tuple[int, ...], name: str) -> Array:
    try:
        return flat.reshape(shape)
    except ValueError:  # NumPy's own bound, such as of [0, 2**62]
        raise _malformed(name) from None


def _malformed(name: str) -> ApiError:
    return invalid(f"tensor parsing error: {name}")
