"""`signature.json`: what a caller must know of an exported model."""

import base64
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import slice_tf
from slice_tf.data.examples import encode
from slice_tf.data.feature_spec import Feature, FeatureSpec
from slice_tf.export import signatures as names
from slice_tf.models.task_model import TaskModel

FORMAT_VERSION = 1
MODEL_NAME = "MODEL"  # stands for the name under which the model is served
MAX_SAMPLE_VALUES = 1024

_TASKS = (names.CLASSIFY, names.REGRESS)
_LISTS = {"float32": "floatList", "int64": "int64List", "string": "bytesList"}
_PROTO = {
    "float32": ("DT_FLOAT", "floatVal"),
    "int64": ("DT_INT64", "int64Val"),
    "string": ("DT_STRING", "stringVal"),
}


def write_contract(
    directory: str | os.PathLike[str],
    functions: Mapping[str, Any],
    model: TaskModel,
    spec: FeatureSpec,
) -> pathlib.Path:
    """Writes names, dtypes and shapes of all signatures, with samples.

    A sample is a request of one example whose values are zero, ready for
    `curl` and as the JSON form of a `tensorflow.serving.PredictRequest`
    (`ClassificationRequest` of `classify`, `RegressionRequest` of `regress`).
    It is left out (null) where it would hold more than 1024 values.

    Args:
        directory: A SavedModel.
        functions: Its concrete functions, by name of signature.
        model: The model it was made of.
        spec: The features it reads.

    Returns:
        The path of the file.
    """
    values = {
        "format_version": FORMAT_VERSION,
        "slice_tf": slice_tf.__version__,
        "tensorflow": tf.__version__,
        "model": type(model).__name__,
        "num_classes": spec.num_classes,
        "slices": _slices(model) if names.EXPLAIN in functions else [],
        "signatures": {
            name: _signature(name, functions[name], spec)
            for name in sorted(functions)
        },
    }
    path = pathlib.Path(directory) / names.CONTRACT_FILE
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return path


def _slices(model: TaskModel) -> list[str]:
    return list(model.schema.names) if model.schema else []


def _signature(name: str, function: Any, spec: FeatureSpec) -> dict[str, Any]:
    inputs = function.structured_input_signature[1]
    return {
        "inputs": {key: _tensor(inputs[key]) for key in sorted(inputs)},
        "outputs": {
            key: _tensor(one)
            for key, one in sorted(function.structured_outputs.items())
        },
        "sample": _sample(name, spec),
    }


def _tensor(spec: Any) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}


def _sample(name: str, spec: FeatureSpec) -> dict[str, Any] | None:
    features = dict(spec.features)
    if sum(one.size for one in features.values()) > MAX_SAMPLE_VALUES:
        return None
    if name in _TASKS:
        return _task_sample(name, features)
    if name == names.EXAMPLES:
        text = base64.b64encode(encode(_zeros(features))).decode()
        row: dict[str, Any] = {names.EXAMPLES_INPUT: {"b64": text}}
        inputs = {names.EXAMPLES_INPUT: _proto("string", (), [text])}
    else:
        row = {key: _nested(one) for key, one in features.items()}
        inputs = {
            key: _proto(one.dtype, one.shape, [_zero(one)] * one.size)
            for key, one in features.items()
        }
    body = {"signature_name": name, "instances": [row]}
    return _requests(name, "predict", body, {"inputs": inputs})


def _task_sample(name: str, features: Mapping[str, Feature]) -> dict[str, Any]:
    """Returns the same for a signature to classify or regress with."""
    body = {"signature_name": name, "examples": [_zeros(features)]}
    example = {
        key: {_LISTS[one.dtype]: {"value": _zeros(features)[key]}}
        for key, one in features.items()
    }
    examples = [{"features": {"feature": example}}]
    message = {"input": {"exampleList": {"examples": examples}}}
    return _requests(name, name, body, message)


def _requests(
    name: str, verb: str, body: dict[str, Any], message: dict[str, Any]
) -> dict[str, Any]:
    return {
        "curl": "curl --data "
        f"'{json.dumps(body)}' "
        f"http://localhost:8501/v1/models/{MODEL_NAME}:{verb}",
        "rest": body,
        "grpc": {
            "modelSpec": {"name": MODEL_NAME, "signatureName": name},
            **message,
        },
    }


def _zeros(features: Mapping[str, Feature]) -> dict[str, Any]:
    return {key: [_zero(one)] * one.size for key, one in features.items()}


def _zero(feature: Feature) -> float | int | str:
    zeros: dict[str, float | int | str] = {
        "float32": 0.0,
        "int64": 0,
        "string": "",
    }
    return zeros[feature.dtype]


def _nested(feature: Feature) -> Any:
    value: Any = _zero(feature)
    for size in reversed(feature.shape):
        value = [value] * size
    return value


def _proto(
    dtype: str, shape: tuple[int, ...], values: list[Any]
) -> dict[str, Any]:
    name, field = _PROTO[dtype]
    sizes = [{"size": str(size)} for size in (1, *shape)]
    return {"dtype": name, "tensorShape": {"dim": sizes}, field: values}
