"""`signature.json`: what a caller must know of an exported model."""

import base64
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import slice_tf
from slice_tf.data.examples import encode
from slice_tf.data.feature_spec import Feature, FeatureSpec
from slice_tf.export import signatures as names
from slice_tf.export.signature_defs import Signature, Tensor, read_signatures
from slice_tf.models.task_model import TaskModel

FORMAT_VERSION = 1
MODEL_NAME = "MODEL"  # stands for the name under which the model is served
MAX_SAMPLE_VALUES = 1024

_LISTS = {"float32": "floatList", "int64": "int64List", "string": "bytesList"}
_PROTO = {
    "float32": ("DT_FLOAT", "floatVal"),
    "int64": ("DT_INT64", "int64Val"),
    "string": ("DT_STRING", "stringVal"),
}


def write_contract(
    directory: str | os.PathLike[str],
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
        model: The model it was made of.
        spec: The features it reads.

    Returns:
        The path of the file.
    """
    signatures = signatures_of(directory)
    values = {
        "format_version": FORMAT_VERSION,
        "slice_tf": slice_tf.__version__,
        "tensorflow": tf.__version__,
        "model": type(model).__name__,
        "task": model.task,
        "num_classes": model.num_classes,
        "slices": _slices(model) if names.EXPLAIN in signatures else [],
        "signatures": {
            name: _described(name, signature, spec)
            for name, signature in signatures.items()
        },
    }
    path = pathlib.Path(directory) / names.CONTRACT_FILE
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return path


def _slices(model: TaskModel) -> list[str]:
    return list(model.schema.names) if model.schema else []


def signatures_of(
    directory: str | os.PathLike[str],
) -> dict[str, Signature]:
    """Returns what each signature of a SavedModel takes and gives.

    Raises:
        FileNotFoundError: If there is no SavedModel.
    """
    content = (pathlib.Path(directory) / "saved_model.pb").read_bytes()
    message = saved_model_pb2.SavedModel.FromString(content)
    return read_signatures(message.meta_graphs[0].SerializeToString())


def _described(
    name: str, signature: Signature, spec: FeatureSpec
) -> dict[str, Any]:
    return {
        "inputs": {key: _tensor(one) for key, one in signature.inputs.items()},
        "outputs": {
            key: _tensor(one) for key, one in signature.outputs.items()
        },
        "sample": _sample(name, signature, spec),
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    shape = None if tensor.shape is None else list(tensor.shape)
    return {"dtype": tf.as_dtype(tensor.dtype).name, "shape": shape}


def _sample(
    name: str, signature: Signature, spec: FeatureSpec
) -> dict[str, Any] | None:
    features = dict(spec.features)
    if sum(one.size for one in features.values()) > MAX_SAMPLE_VALUES:
        return None
    if name not in names.DENSE and names.TASK_INPUT in signature.inputs:
        regress = set(signature.outputs) == {names.OUTPUTS}
        verb = names.REGRESS if regress else names.CLASSIFY
        return _task_sample(name, verb, features)
    if name not in names.DENSE:
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


def _task_sample(
    name: str, verb: str, features: Mapping[str, Feature]
) -> dict[str, Any]:
    """Returns the same for a signature to classify or regress with."""
    body = {"signature_name": name, "examples": [_zeros(features)]}
    example = {
        key: {_LISTS[one.dtype]: {"value": _zeros(features)[key]}}
        for key, one in features.items()
    }
    examples = [{"features": {"feature": example}}]
    message = {"input": {"exampleList": {"examples": examples}}}
    return _requests(name, verb, body, message)


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
