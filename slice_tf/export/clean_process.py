"""Loads a SavedModel and calls its signatures: a program of its own.

`check_saved_model` runs this file by its path, in Python's isolated mode, so
that nothing of slice-tf is imported. Calls are read from a file, and their
answers written to another, in the form of `slice_tf.export.calls`.
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf


def main(directory: str, calls: str, answers: str) -> None:
    """Answers all calls of signatures that Python sees."""
    functions = tf.saved_model.load(directory).signatures
    results = {}
    for call, inputs in _read(calls).items():
        signature = call.partition("/")[2]
        if signature in functions:
            for name, tensor in functions[signature](**inputs).items():
                results[f"{call}/{name}"] = _writable(tensor.numpy())
    ours = sorted(m for m in sys.modules if m.partition(".")[0] == "slice_tf")
    if ours:
        raise ImportError(f"the model imported {', '.join(ours)}")
    np.savez(answers, **results)


def _read(path: str) -> dict[str, dict[str, Any]]:
    """Returns the inputs of each call."""
    inputs: dict[str, dict[str, Any]] = {}
    with np.load(path) as file:
        for key in file.files:
            call, _, name = key.rpartition("/")
            array = file[key]
            if array.dtype.kind == "S":
                values = [one[:-1] for one in array.ravel().tolist()]
                tensor = tf.constant(values, tf.string, array.shape)
            else:
                tensor = tf.constant(array)
            inputs.setdefault(call, {})[name] = tensor
    return inputs


def _writable(array: Any) -> Any:
    if array.dtype != object:
        return array
    values = [one + b"." for one in array.ravel().tolist()]
    return np.array(values, "S").reshape(array.shape)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        line = " ".join(str(error).split())[:500]
        sys.exit(f"{type(error).__name__}: {line}")
