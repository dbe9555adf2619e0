"""Loads a SavedModel and calls its signatures: a program of its own.

`check_saved_model` runs this file by its path, in Python's isolated mode, so
that nothing of slice-tf is imported. It prints the shapes of all outputs as
one line of JSON, or ends with an error.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

BATCH_SIZES = (1, 3)
SERVING_DEFAULT = "serving_default"
SERIALIZED = ("classify", "examples", "regress")


def main(directory: str) -> None:
    """Calls every signature and prints the shapes of its outputs."""
    functions = tf.saved_model.load(directory).signatures
    shapes = {
        name: [_call(name, functions, size) for size in BATCH_SIZES][-1]
        for name in sorted(functions)
    }
    ours = sorted(m for m in sys.modules if m.partition(".")[0] == "slice_tf")
    if ours:
        raise ImportError(f"the model imported {', '.join(ours)}")
    sys.stdout.write(json.dumps(shapes) + "\n")


def _call(
    name: str, functions: Mapping[str, Any], batch_size: int
) -> dict[str, list[int]]:
    function = functions[name]
    specs = function.structured_input_signature[1]
    if name in SERIALIZED:
        example = _example(functions[SERVING_DEFAULT])
        inputs = {key: tf.constant([example] * batch_size) for key in specs}
    else:
        inputs = {key: _zeros(spec, batch_size) for key, spec in specs.items()}
    outputs = function(**inputs)
    for key, output in outputs.items():
        _check(f"{name}/{key}", output, function.structured_outputs[key])
        if output.shape[:1] != [batch_size]:
            raise ValueError(f"{name}/{key} has shape {output.shape}")
    return {key: output.shape.as_list() for key, output in outputs.items()}


def _check(name: str, output: Any, declared: Any) -> None:
    if output.dtype != declared.dtype:
        raise TypeError(f"{name} is {output.dtype.name}, not as declared")
    if not declared.shape.is_compatible_with(output.shape):
        raise ValueError(f"{name} has shape {output.shape}, not as declared")
    if output.dtype.is_floating and not np.isfinite(output.numpy()).all():
        raise ValueError(f"{name} is not finite where all inputs are zero")


def _zeros(spec: Any, batch_size: int) -> Any:
    return tf.zeros([batch_size, *spec.shape[1:]], spec.dtype)


def _example(serving_default: Any) -> bytes:
    """Returns a serialized example of zeros for dense features."""
    feature = {}
    for key, spec in serving_default.structured_input_signature[1].items():
        values = _zeros(spec, 1).numpy().ravel().tolist()
        one = tf.train.Feature()
        if spec.dtype == tf.string:
            one.bytes_list.value.extend(values)
        elif spec.dtype.is_floating:
            one.float_list.value.extend(values)
        else:
            one.int64_list.value.extend(values)
        feature[key] = one
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString()
    return serialized


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:
        line = " ".join(str(error).split())[:500]
        sys.exit(f"{type(error).__name__}: {line}")
