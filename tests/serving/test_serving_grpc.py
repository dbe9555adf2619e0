import shutil

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceStub,
)

from slice_tf_serving import ModelServer
from slice_tf_serving.limits import Limits

PLAIN = 'model_spec { name: "plain" } '
ONE = 'inputs { key: "x" value { dtype: DT_FLOAT float_val: 1 } } '


@pytest.fixture(scope="module")
def channel(servers):
    address = f"127.0.0.1:{servers['plain'].grpc_port}"
    with grpc.insecure_channel(address) as channel:
        yield channel


def predict(channel, text):
    request = text_format.Parse(text, predict_pb2.PredictRequest())
    return PredictionServiceStub(channel).Predict(request, timeout=60)


def tensor(name, fields):
    return f'inputs {{ key: "{name}" value {{ {fields} }} }}'


def test_answer_names_model_version_and_signature(channel):
    response = predict(channel, PLAIN + ONE)
    expected = text_format.Parse(
        'model_spec { name: "plain" version { value: 123 } '
        'signature_name: "serving_default" } '
        'outputs { key: "y" value { dtype: DT_FLOAT tensor_shape {} '
        "float_val: 2.5 } }",
        predict_pb2.PredictResponse(),
    )
    assert response == expected


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ("tensor_shape { dim { size: 3 } } float_val: 1", [2.5] * 3),
        ("tensor_shape { dim { size: 3 } }", [2.0] * 3),
        ("tensor_shape { dim { size: 1 } } float_val: [1, 9]", [2.5]),
        ("tensor_shape { unknown_rank: true } float_val: 1", [2.5]),
        (
            r'tensor_shape { dim { size: 1 } } tensor_content: "\0\0\200\077"',
            [2.5],
        ),
    ],
)
def test_tensor_is_read_as_tensorflow_reads_it(fields, values, channel):
    text = PLAIN + tensor("x", f"dtype: DT_FLOAT {fields}")
    assert predict(channel, text).outputs["y"].float_val == values


def test_lone_values_are_answered_as_such(channel):
    text = (
        'model_spec { name: "plain" signature_name: "text" } '
        + tensor("a", "dtype: DT_FLOAT tensor_shape {} float_val: 3")
        + tensor("s", 'dtype: DT_STRING tensor_shape {} string_val: "x"')
    )
    outputs = predict(channel, text).outputs
    assert outputs["half"].float_val == [1.5]
    assert outputs["echo"].string_val == [b"x"]
    assert not outputs["echo"].tensor_shape.dim


def test_inputs_may_have_defaults(base_dirs, tmp_path):
    version = shutil.copytree(base_dirs["plain"] / "123", tmp_path / "123")
    graph = version / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    signature = model.meta_graphs[0].signature_def["text"]
    signature.defaults["a"].CopyFrom(tf.make_tensor_proto([3.0]))
    graph.write_bytes(model.SerializeToString())
    text = PLAIN.replace("}", 'signature_name: "text" }') + tensor(
        "s", 'dtype: DT_STRING tensor_shape { dim { size: 1 } } string_val: "x"'
    )
    with ModelServer(tmp_path, "plain") as server:
        address = f"127.0.0.1:{server.grpc_port}"
        with grpc.insecure_channel(address) as channel:
            assert predict(channel, text).outputs["half"].float_val == [1.5]


def test_outputs_can_be_filtered(channel):
    text = (
        'model_spec { name: "plain" signature_name: "text" } '
        + tensor("a", "dtype: DT_FLOAT tensor_shape { dim { size: 0 } }")
        + tensor("s", "dtype: DT_STRING tensor_shape { dim { size: 0 } }")
        + ' output_filter: "echo"'
    )
    assert list(predict(channel, text).outputs) == ["echo"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (ONE, "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            "model_spec {}" + ONE,
            "INVALID_ARGUMENT",
            "ModelSpec has no name specified.",
        ),
        (
            'model_spec { name: "nope" }' + ONE,
            "NOT_FOUND",
            "Servable not found for request: Latest(nope)",
        ),
        (
            'model_spec { name: "plain" version { value: 9 } }' + ONE,
            "NOT_FOUND",
            "Servable not found for request: Specific(plain, 9)",
        ),
        (
            'model_spec { name: "plain" version_label: "none" }' + ONE,
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: none",
        ),
        (
            'model_spec { name: "plain" version_label: "" }' + ONE,
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: ",
        ),
        (
            'model_spec { name: "plain" '
            'signature_name: "__saved_model_init_op" }',
            "OUT_OF_RANGE",
            "does not have output 0",
        ),
        (
            'model_spec { name: "plain" signature_name: "nope" }' + ONE,
            "FAILED_PRECONDITION",
            'Serving signature key "nope" not found.',
        ),
        (
            PLAIN + tensor("key", "dtype: DT_FLOAT float_val: 1"),
            "INVALID_ARGUMENT",
            "Signature input alias: x(feed name: serving_default_x:0) not "
            "found in request and no default value provided. Inputs expected "
            "to be in the request {key}",
        ),
        (
            PLAIN + ONE + tensor("z", "dtype: DT_FLOAT"),
            "INVALID_ARGUMENT",
            "Sent extra: {z}. Missing but required: {}.",
        ),
        (
            PLAIN + tensor("x", 'dtype: DT_STRING string_val: "a"'),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but string is provided",
        ),
        (
            PLAIN + tensor("x", "dtype: DT_DOUBLE double_val: 1"),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but double is provided",
        ),
        (
            PLAIN + tensor("x", "float_val: 1"),
            "INVALID_ARGUMENT",
            "tensor parsing error: x",
        ),
        (
            PLAIN + ONE + 'output_filter: "nope"',
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: nope Outputs "
            "expected to be in the set {y}.",
        ),
        (
            PLAIN + ONE + 'output_filter: ["y", "y"]',
            "INVALID_ARGUMENT",
            "duplicate output tensor alias: y",
        ),
        (  # Of several faults: the signature, names, tensors, outputs, types.
            'model_spec { name: "plain" signature_name: "nope" }'
            + tensor("x", "float_val: 1"),
            "FAILED_PRECONDITION",
            'Serving signature key "nope" not found.',
        ),
        (
            PLAIN + ONE + tensor("z", "float_val: 1"),
            "INVALID_ARGUMENT",
            "Sent extra: {z}",
        ),
        (
            PLAIN
            + tensor("x", "dtype: DT_DOUBLE double_val: 1")
            + 'output_filter: "nope"',
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: nope",
        ),
    ],
)
def test_wrong_request_is_told_in_tensorflow_serving_s_words(
    text, code, message, channel
):
    with pytest.raises(grpc.RpcError) as refused:
        predict(channel, text)
    assert refused.value.code().name == code
    assert message in refused.value.details()


def test_long_errors_are_cut(channel):
    name = "n" * 2000
    with pytest.raises(grpc.RpcError) as refused:
        predict(channel, f'model_spec {{ name: "{name}" }}')
    said = "Servable not found for request: Latest("
    kept = said + name[: 1024 - len(said)]
    assert refused.value.details() == f"{kept}...TRUNCATED"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('metadata_field: "signature_def"', "INVALID", "Missing ModelSpec"),
        (PLAIN, "INVALID", "must specify at least one metadata_field"),
        (
            PLAIN + 'metadata_field: "foo"',
            "INVALID",
            "Metadata field foo is not supported",
        ),
    ],
)
def test_wrong_question_for_metadata_is_told(text, code, message, channel):
    request = text_format.Parse(
        text, get_model_metadata_pb2.GetModelMetadataRequest()
    )
    with pytest.raises(grpc.RpcError, match=message) as refused:
        PredictionServiceStub(channel).GetModelMetadata(request)
    assert refused.value.code().name.startswith(code)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ('name: "nope"', "Could not find any versions of model nope"),
        (
            'name: "plain" version { value: 9 }',
            "Could not find version 9 of model plain",
        ),
    ],
)
def test_wrong_question_for_the_status_is_told(spec, message, channel):
    request = text_format.Parse(
        f"model_spec {{ {spec} }}",
        get_model_status_pb2.GetModelStatusRequest(),
    )
    with pytest.raises(grpc.RpcError, match=message) as refused:
        ModelServiceStub(channel).GetModelStatus(request)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_memory_is_bounded_before_it_is_taken(base_dirs):
    limits = Limits(request_bytes=1000, elements=20)
    with ModelServer(base_dirs["plain"], "plain", limits=limits) as server:
        address = f"127.0.0.1:{server.grpc_port}"
        with grpc.insecure_channel(address) as channel:
            splat = "dtype: DT_FLOAT tensor_shape { dim { size: %s } }"
            with pytest.raises(grpc.RpcError) as refused:
                predict(channel, PLAIN + tensor("x", splat.replace("%s", "21")))
            assert refused.value.code().name == "RESOURCE_EXHAUSTED"
            assert "limit of 20" in refused.value.details()
            predict(channel, PLAIN + tensor("x", splat.replace("%s", "20")))
            long = "x" * 1001
            with pytest.raises(grpc.RpcError, match="larger than max"):
                predict(channel, f'model_spec {{ name: "{long}" }}')
