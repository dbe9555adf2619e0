"""Warm-up requests: what a model server runs before a version is available."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.export.signatures import (
    DENSE,
    EXAMPLES_INPUT,
    OUTPUTS,
    SERVING_DEFAULT,
    TASK_INPUT,
    WARMUP_FILE,
)
from slice_tf.files import replacing
from slice_tf_serving.deployment.checksums import refresh_checksum
from slice_tf_serving.dtypes import BY_NAME, Array
from slice_tf_serving.meta_graph import read_meta_graph, signatures_of
from slice_tf_serving.specs import SignatureSpec, TensorSpec
from slice_tf_serving.tensors import fill

MAX_RECORDS = 1000  # of TensorFlow Serving
KINDS = ("predict_log", "classify_log", "regress_log", "multi_inference_log")


def write_warmup(
    saved_model_dir: str | os.PathLike[str], batch_sizes: Sequence[int] = (1,)
) -> pathlib.Path:
    """Writes a request of zeros for every signature and batch size.

    A server that replays them answers its first caller as fast as any other;
    and it refuses a version whose variables are missing, which stock servers
    otherwise make available and fail to run.

    Args:
        saved_model_dir: A SavedModel. Its checksums, if it has any, are
            brought up to date.
        batch_sizes: Numbers of examples in a request. A server that batches
            is helped by the sizes it allows.

    Returns:
        The path of the file, a TFRecord of
        `tensorflow.serving.PredictionLog`.

    Raises:
        ValueError: If a size is not positive, there are too many requests,
            or there is no SavedModel.
    """
    root = pathlib.Path(saved_model_dir)
    if not batch_sizes or min(batch_sizes) < 1:
        raise ValueError(
            "`batch_sizes` must hold positive numbers. "
            f"Received: batch_sizes={tuple(batch_sizes)}"
        )
    specs = signatures_of(read_meta_graph(root))
    records = [
        _record(name, specs, size)
        for name in specs
        if specs[name].inputs
        for size in batch_sizes
    ]
    _check_number(len(records))
    path = root / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        _write(temporary, records)
    refresh_checksum(root, WARMUP_FILE)
    return path


def read_warmup(version_dir: str | os.PathLike[str]) -> list[Any]:
    """Returns the `PredictionLog`s that are to be replayed; none at times.

    Raises:
        ValueError: If a record is damaged, there are too many, or one holds
            no request that can be replayed.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    path = pathlib.Path(version_dir) / WARMUP_FILE
    if not path.is_file():
        return []
    logs = []
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            logs.append(prediction_log_pb2.PredictionLog.FromString(record))
    except (tf.errors.OpError, DecodeError) as error:
        raise ValueError(
            "Warm-up requests must be readable. "
            f"Received: file={path}, record={len(logs)}, error={error}"
        ) from error
    _check_number(len(logs))
    for log in logs:
        kind = log.WhichOneof("log_type")
        if kind not in KINDS:
            raise ValueError(
                f"Warm-up requests must be one of {', '.join(KINDS)}. "
                f"Received: file={path}, kind={kind}"
            )
    return logs


def _check_number(number: int) -> None:
    if number > MAX_RECORDS:
        raise ValueError(
            f"A server replays at most {MAX_RECORDS} warm-up requests. "
            f"Received: requests={number}"
        )


def _record(
    name: str, specs: dict[str, SignatureSpec], batch_size: int
) -> bytes:
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    if name not in DENSE and set(specs[name].inputs) == {TASK_INPUT}:
        regress = set(specs[name].outputs) == {OUTPUTS}
        part = log.regress_log if regress else log.classify_log
        part.request.model_spec.signature_name = name
        example = _example(specs[SERVING_DEFAULT])
        for _ in range(batch_size):
            listed = part.request.input.example_list.examples
            listed.add().MergeFromString(example)
        return _serialized(log)
    request = log.predict_log.request
    request.model_spec.signature_name = name
    for key, spec in specs[name].inputs.items():
        array = _zeros(spec, batch_size)
        if name not in DENSE and key == EXAMPLES_INPUT:
            array[:] = _example(specs[SERVING_DEFAULT])
        dtype = BY_NAME[spec.dtype]
        fill(request.inputs[key], array, dtype, content=True)
    return _serialized(log)


def _serialized(log: Any) -> bytes:
    serialized: bytes = log.SerializeToString(deterministic=True)
    return serialized


def _zeros(spec: TensorSpec, batch_size: int) -> Array:
    sizes = spec.shape if spec.shape is not None else (None,)
    shape = [batch_size if size is None else size for size in sizes[:1]]
    shape += [1 if size is None else size for size in sizes[1:]]
    dtype = BY_NAME[spec.dtype]
    return np.full(shape, b"" if dtype.is_string else 0, dtype.array)


def _example(serving_default: SignatureSpec) -> bytes:
    """Returns an example of zeros that has all dense features."""
    from tensorflow.core.example import example_pb2

    example = example_pb2.Example()
    for key, spec in serving_default.inputs.items():
        values = _zeros(spec, 1).ravel().tolist()
        feature = example.features.feature[key]
        if spec.dtype == "DT_STRING":
            feature.bytes_list.value.extend(values)
        elif spec.dtype == "DT_FLOAT":
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _write(path: pathlib.Path, records: Sequence[bytes]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
