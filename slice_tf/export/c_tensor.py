"""Arrays as tensors of TensorFlow's C library, and back."""

import ctypes
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.export.c_library import load_c_library

Array = npt.NDArray[Any]

STRING = 7
_STRING_BYTES = 24  # `TF_TString`; up to 22 bytes lie in it

# `DataType` of TensorFlow: what NumPy calls it.
DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("float32"),
    2: np.dtype("float64"),
    3: np.dtype("int32"),
    4: np.dtype("uint8"),
    6: np.dtype("int8"),
    STRING: np.dtype(object),
    9: np.dtype("int64"),
    10: np.dtype("bool"),
    19: np.dtype("float16"),
}


class CTensor:
    """A tensor that the library may read.

    Args:
        array: Values; strings as objects.
        dtype: `DataType` of TensorFlow.
    """

    def __init__(self, array: Array, dtype: int) -> None:
        self._library = load_c_library()
        array = np.ascontiguousarray(array, DTYPES[dtype])
        width = _STRING_BYTES if dtype == STRING else array.itemsize
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        self._strings: list[int] = []
        self.pointer = self._library.TF_AllocateTensor(
            dtype, shape, array.ndim, array.size * width
        )
        data = self._library.TF_TensorData(self.pointer)
        if dtype == STRING:
            self._fill(data, array)
        elif array.size:
            ctypes.memmove(data, array.ctypes.data, array.nbytes)

    def _fill(self, data: int, array: Array) -> None:
        for place, value in enumerate(array.ravel()):
            string = data + _STRING_BYTES * place
            text = value.encode() if isinstance(value, str) else bytes(value)
            self._library.TF_StringInit(string)
            self._library.TF_StringCopy(string, text, len(text))
            self._strings.append(string)

    def close(self) -> None:
        """Frees its memory."""
        for string in self._strings:
            self._library.TF_StringDealloc(string)
        self._strings.clear()
        self._library.TF_DeleteTensor(self.pointer)


def read_tensor(pointer: int) -> Array:
    """Returns a copy of a tensor's values; strings as objects of bytes."""
    library = load_c_library()
    dtype = library.TF_TensorType(pointer)
    shape = tuple(
        library.TF_Dim(pointer, axis)
        for axis in range(library.TF_NumDims(pointer))
    )
    data = library.TF_TensorData(pointer)
    array: Array
    if dtype == STRING:
        values = [
            _bytes(library, data + _STRING_BYTES * place)
            for place in range(math.prod(shape))
        ]
        return np.array([*values, None], object)[:-1].reshape(shape)
    array = np.empty(shape, DTYPES[dtype])
    if array.size:
        ctypes.memmove(array.ctypes.data, data, array.nbytes)
    return array


def _bytes(library: Any, string: int) -> bytes:
    size = library.TF_StringGetSize(string)
    return ctypes.string_at(library.TF_StringGetDataPointer(string), size)
