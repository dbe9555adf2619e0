"""Calls of signatures, and their answers, as files between processes.

A file of NumPy arrays under `<call>/<name>`, where a call is
`<number>/<signature>`. Strings end with a dot, because NumPy drops zeros at
the end of bytes.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.export.c_tensor import Array

Calls = dict[str, dict[str, Array]]


def write_calls(
    path: str | os.PathLike[str], calls: Mapping[str, Mapping[str, Array]]
) -> None:
    """Writes arrays of each call, by name; strings are objects of bytes."""
    arrays: dict[str, Any] = {
        f"{call}/{name}": _writable(array)
        for call, named in calls.items()
        for name, array in named.items()
    }
    np.savez(path, **arrays)


def read_calls(path: str | os.PathLike[str]) -> Calls:
    """Returns what `write_calls` wrote."""
    calls: Calls = {}
    with np.load(path) as file:
        for key in file.files:
            call, _, name = key.rpartition("/")
            calls.setdefault(call, {})[name] = _readable(file[key])
    return calls


def _writable(array: Array) -> Array:
    if array.dtype != object:
        return array
    values = [_bytes(one) + b"." for one in array.ravel().tolist()]
    return np.array(values, "S").reshape(array.shape)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _readable(array: Array) -> Array:
    if array.dtype.kind != "S":
        return array
    values = [one[:-1] for one in array.ravel().tolist()]
    return np.array([*values, None], object)[:-1].reshape(array.shape)
