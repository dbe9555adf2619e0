"""The messages that a client or a reader of logs needs, without TensorFlow.

The stubs of TensorFlow Serving import all of TensorFlow: seconds, and 600 MB.
Names do not travel, so these hold just the fields that are read or written.

Source: TensorFlow Serving, `apis/*.proto`, and TensorFlow,
`core/framework/tensor.proto` and `core/protobuf/meta_graph.proto`.
"""

from typing import Any

from slice_tf.messages import make_messages

_MESSAGES = make_messages(
    "slice_tf.serving.api",
    {
        "Version": {"value": (1, "int64")},
        "ModelSpec": {
            "name": (1, "string"),
            "version": (2, "Version"),
            "signature_name": (3, "string"),
            "version_label": (4, "string"),
        },
        "Dim": {"size": (1, "int64")},
        "Shape": {"dim": (2, "Dim[]"), "unknown_rank": (3, "bool")},
        "TensorProto": {
            "dtype": (1, "int32"),
            "tensor_shape": (2, "Shape"),
            "tensor_content": (4, "bytes"),
            "float_val": (5, "float[]"),
            "double_val": (6, "double[]"),
            "int_val": (7, "int32[]"),
            "string_val": (8, "bytes[]"),
            "int64_val": (10, "int64[]"),
            "bool_val": (11, "bool[]"),
            "half_val": (13, "int32[]"),
            "uint32_val": (16, "uint32[]"),
            "uint64_val": (17, "uint64[]"),
        },
        "PredictRequest": {
            "model_spec": (1, "ModelSpec"),
            "inputs": (2, "map TensorProto"),
            "output_filter": (3, "string[]"),
        },
        "PredictResponse": {
            "outputs": (1, "map TensorProto"),
            "model_spec": (2, "ModelSpec"),
        },
        "PredictLog": {
            "request": (1, "PredictRequest"),
            "response": (2, "PredictResponse"),
        },
        "SamplingConfig": {"sampling_rate": (1, "double")},
        "LogMetadata": {
            "model_spec": (1, "ModelSpec"),
            "sampling_config": (2, "SamplingConfig"),
            "timestamp_secs": (4, "int64"),
        },
        "PredictionLog": {
            "log_metadata": (1, "LogMetadata"),
            "predict_log": (6, "PredictLog"),
        },
        "MetadataRequest": {
            "model_spec": (1, "ModelSpec"),
            "metadata_field": (2, "string[]"),
        },
        "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
        "MetadataResponse": {
            "model_spec": (1, "ModelSpec"),
            "metadata": (2, "map Any"),
        },
        "TensorInfo": {
            "name": (1, "string"),
            "dtype": (2, "int32"),
            "tensor_shape": (3, "Shape"),
        },
        "SignatureDef": {
            "inputs": (1, "map TensorInfo"),
            "outputs": (2, "map TensorInfo"),
        },
        "SignatureDefMap": {"signature_def": (1, "map SignatureDef")},
        "StatusRequest": {"model_spec": (1, "ModelSpec")},
        "Status": {"error_code": (1, "int32"), "error_message": (2, "string")},
        "VersionStatus": {
            "version": (1, "int64"),
            "state": (2, "int32"),
            "status": (3, "Status"),
        },
        "StatusResponse": {"model_version_status": (1, "VersionStatus[]")},
    },
)
STATES = {
    0: "UNKNOWN",
    10: "START",
    20: "LOADING",
    30: "AVAILABLE",
    40: "UNLOADING",
    50: "END",
}


def message(name: str) -> Any:
    """Returns the class of a message."""
    return _MESSAGES[name]
