"""The file of arrays that slices are found in, where no model is asked."""

import os
import zipfile
from typing import Any

import numpy as np

NEEDED = ("embeddings", "labels", "probabilities")


def open_arrays(path: str | os.PathLike[str]) -> Any:
    """Opens an `.npz` file, to be closed by `with`.

    Raises:
        ValueError: If there is no such file or it is another one.
    """
    if not zipfile.is_zipfile(path):
        there = "another kind of file" if os.path.exists(path) else "nothing"
        raise ValueError(
            "Predictions must be an .npz file, of `numpy.savez`. Received: "
            f"predictions={path}, which is {there}"
        )
    return np.load(path, allow_pickle=False)


def read_array(arrays: Any, name: str) -> Any:
    """Returns an array of an open file.

    Raises:
        ValueError: If it holds Python objects.
    """
    try:
        return arrays[name]
    except ValueError as error:
        raise ValueError(
            "An array must hold numbers or NumPy's texts, because Python "
            f"objects can run code. Received: array={name}, error={error}. "
            "Save texts as `array.astype(str)`."
        ) from error
