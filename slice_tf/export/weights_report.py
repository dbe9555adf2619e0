"""What smaller weights change in a model's answers."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from slice_tf.export import signatures as names
from slice_tf.export.c_tensor import Array
from slice_tf.export.probe import Probe
from slice_tf.files import write_text

FORMAT_VERSION = 1


def write_weights_report(
    directory: pathlib.Path,
    weights: str,
    functions: Mapping[str, Any],
    probe: Probe,
) -> None:
    """Writes how far answers are from those of the trained model.

    Args:
        directory: A SavedModel.
        weights: Type that its matrices are stored in.
        functions: Concrete functions of its signatures.
        probe: Sample requests, and what the trained model says of them.
    """
    rows = len(next(iter(probe.features.values())))
    outputs = measure(functions, probe)
    values = {
        "format_version": FORMAT_VERSION,
        "weights": weights,
        "examples": rows,
        "outputs": outputs,
    }
    path = directory / names.WEIGHTS_FILE
    write_text(path, json.dumps(values, indent=2) + "\n")


def measure(
    functions: Mapping[str, Any], probe: Probe
) -> dict[str, dict[str, float]]:
    """Returns differences by `<signature>/<output>`.

    Of numbers the largest and the mean absolute difference, `max` and `mean`;
    of class ids the share of examples that get another, `changed`. Signatures
    that take serialized examples give the same outputs and are left out.
    """
    differences = {}
    for name in names.DENSE:
        if name in functions:
            kinds = functions[name].structured_input_signature[1]
            inputs = {
                key: tf.constant(one, kinds[key].dtype)
                for key, one in probe.features.items()
            }
            said = functions[name](**inputs)
            for key, want in probe.outputs[name].items():
                got = np.asarray(said[key])
                differences[f"{name}/{key}"] = _difference(key, got, want)
    return differences


def _difference(key: str, got: Array, want: Array) -> dict[str, float]:
    if key == names.CLASS_IDS:
        return {"changed": float(np.mean(got != want))}
    apart = np.abs(got.astype(np.float64) - want)
    return {"max": float(apart.max()), "mean": float(apart.mean())}
