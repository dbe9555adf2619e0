"""Data types of tensors: in protos, in TensorFlow's texts and in NumPy."""

import dataclasses
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class Dtype:
    """One data type.

    Args:
        name: In signatures, such as `DT_FLOAT`.
        number: In tensor protos.
        text: In TensorFlow's messages, such as `float`.
        array: In NumPy; strings are objects (`bytes`).
        field: The field of a tensor proto that holds values.
    """

    name: str
    number: int
    text: str
    array: str
    field: str

    @property
    def is_string(self) -> bool:
        """Whether values are bytes."""
        return self.field == "string_val"

    @property
    def numpy(self) -> "np.dtype[Any]":
        """The same for NumPy itself."""
        return _NUMPY[self.name]

    @property
    def item_bytes(self) -> int:
        """Size of a value in `tensor_content`."""
        return self.numpy.itemsize


_ALL = (
    Dtype("DT_FLOAT", 1, "float", "float32", "float_val"),
    Dtype("DT_DOUBLE", 2, "double", "float64", "double_val"),
    Dtype("DT_INT32", 3, "int32", "int32", "int_val"),
    Dtype("DT_UINT8", 4, "uint8", "uint8", "int_val"),
    Dtype("DT_INT16", 5, "int16", "int16", "int_val"),
    Dtype("DT_INT8", 6, "int8", "int8", "int_val"),
    Dtype("DT_STRING", 7, "string", "object", "string_val"),
    Dtype("DT_INT64", 9, "int64", "int64", "int64_val"),
    Dtype("DT_BOOL", 10, "bool", "bool", "bool_val"),
    Dtype("DT_UINT16", 17, "uint16", "uint16", "int_val"),
    Dtype("DT_HALF", 19, "half", "float16", "half_val"),
    Dtype("DT_UINT32", 22, "uint32", "uint32", "uint32_val"),
    Dtype("DT_UINT64", 23, "uint64", "uint64", "uint64_val"),
)
_NUMPY = {one.name: np.dtype(one.array) for one in _ALL}
BY_NAME = {one.name: one for one in _ALL}
BY_NUMBER = {one.number: one for one in _ALL}
_BY_ARRAY = {one.numpy: one for one in _ALL if not one.is_string}
_STRING = BY_NAME["DT_STRING"]


def of_array(array: Array) -> Dtype | None:
    """Returns the type of an array; text and bytes are strings."""
    dtype = array.dtype
    return _STRING if dtype.kind in "OSU" else _BY_ARRAY.get(dtype)
