"""A table on disk that is looked up without being read."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.files import staged_directory

_KEYS = "keys.npy"
_COLUMN = "column-"


def write_mapped_table(
    directory: str | os.PathLike[str], keys: Any, columns: Mapping[str, Any]
) -> None:
    """Writes a table that `metadata` maps into memory.

    Args:
        directory: Where it goes; it must not exist.
        keys: Unique integers or strings, of shape `[records]`.
        columns: By name, arrays of numbers or strings, of shape
            `[records, ...]`.

    Raises:
        FileExistsError: If the directory exists.
        ValueError: If keys are not unique, or a column has another length or
            holds Python objects.
    """
    array = _storable("keys", keys)
    if array.dtype.kind == "i":
        array = array.astype(np.int64)  # As wide as what is looked up.
    order = np.argsort(array, kind="stable")
    ordered = array[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twice):
        raise ValueError(
            "Keys must be unique, because one record is looked up. Received: "
            f"key={ordered[twice[0]]!r} twice"
        )
    target = pathlib.Path(directory)
    if target.exists():
        raise FileExistsError(
            "A mapped table must be written to a new directory. Received: "
            f"directory={directory}"
        )
    with staged_directory(target) as staging:
        for name, column in columns.items():
            cells = _storable(name, column)
            if len(cells) != len(array):
                raise ValueError(
                    "Columns must be as long as the keys. Received: "
                    f"column={name!r}, length={len(cells)}, keys={len(array)}"
                )
            np.save(staging / f"{_COLUMN}{name}.npy", cells[order])
        np.save(staging / _KEYS, ordered)


class MappedTable:
    """Records by key, in files that the system keeps in memory as it can.

    Args:
        directory: Of `write_mapped_table`.

    Raises:
        FileNotFoundError: If the directory holds no such table.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        source = pathlib.Path(directory)
        self._keys = np.load(source / _KEYS, mmap_mode="r")
        self._columns = {
            file.stem.removeprefix(_COLUMN): np.load(file, mmap_mode="r")
            for file in sorted(source.glob(f"{_COLUMN}*.npy"))
        }

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: str | int) -> dict[str, Any] | None:
        """Returns the record of a key, or None."""
        wanted = self._stored(key)
        if wanted is None:
            return None
        place = int(np.searchsorted(self._keys, wanted))
        if place == len(self._keys) or self._keys[place] != wanted:
            return None
        return {
            name: _python_value(column[place])
            for name, column in self._columns.items()
        }

    def _stored(self, key: str | int) -> Any:
        """Returns a key of the keys' own type, None if there is none.

        Of another type, NumPy would convert all keys to look one up.
        """
        kind = self._keys.dtype.kind
        if kind == "S" and isinstance(key, str):
            encoded = key.encode()
            fits = len(encoded) <= self._keys.dtype.itemsize
            return np.array(encoded, self._keys.dtype) if fits else None
        if kind == "i" and not isinstance(key, str):
            return np.array(key, self._keys.dtype)
        return None


def _storable(name: str, values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    if array.dtype.kind == "u":
        array = array.astype(np.int64)
    if array.dtype.kind == "U":
        return np.char.encode(array, "utf-8")
    if array.dtype.kind == "O":
        raise ValueError(
            "A mapped table must hold numbers or strings. Received: "
            f"column={name!r}, dtype=object"
        )
    return array


def _python_value(cell: Any) -> Any:
    if isinstance(cell, np.bytes_):
        return cell.decode()
    return cell if isinstance(cell, np.ndarray) else cell.item()
