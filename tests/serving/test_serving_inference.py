"""Classify, Regress and MultiInference, over both transports."""

import json

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    regression_pb2,
)
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceStub,
)

SPEC = 'model_spec { name: "plain" signature_name: "%s" }'
VALUE = 'features { feature { key: "x" value { float_list { value: %s } } } }'
INPUT = f"input {{ example_list {{ examples {{ {VALUE % 2} }} }} }}"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


@pytest.fixture(scope="module")
def stub(servers):
    address = f"127.0.0.1:{servers['plain'].grpc_port}"
    with grpc.insecure_channel(address) as channel:
        yield PredictionServiceStub(channel)


def classify(stub, text):
    request = classification_pb2.ClassificationRequest()
    return stub.Classify(text_format.Parse(text, request), timeout=60)


def regress(stub, text):
    request = regression_pb2.RegressionRequest()
    return stub.Regress(text_format.Parse(text, request), timeout=60)


def task(signature, method, name="plain"):
    spec = f'model_spec {{ name: "{name}" signature_name: "{signature}" }}'
    return f'tasks {{ {spec} method_name: "{method}" }} '


def perform_all(stub, text):
    request = inference_pb2.MultiInferenceRequest()
    return stub.MultiInference(text_format.Parse(text, request), timeout=60)


def test_classes_come_with_scores(stub):
    expected = text_format.Parse(
        'model_spec { name: "plain" version { value: 123 } '
        'signature_name: "classify" } result { classifications { '
        'classes { label: "up" score: 2 } classes { label: "down" score: -2 } '
        "} }",
        classification_pb2.ClassificationResponse(),
    )
    assert classify(stub, SPEC % "classify" + INPUT) == expected


def test_scores_need_no_labels(stub):
    result = classify(stub, SPEC % "scores" + INPUT).result
    assert [
        [(one.label, one.score) for one in row.classes]
        for row in result.classifications
    ] == [[("", 2.0)]]


def test_regression_has_a_value_an_example(stub):
    examples = f"examples {{ {VALUE % 2} }} examples {{ {VALUE % 5} }}"
    text = f"input {{ example_list {{ {examples} }} }}"
    result = regress(stub, SPEC % "regress" + text).result
    assert [one.value for one in result.regressions] == [1.0, 2.5]


def test_example_wins_over_its_context(stub):
    text = (
        "input { example_list_with_context { "
        f"context {{ {VALUE % 8} }} examples {{ }} examples {{ {VALUE % 2} }} "
        "} }"
    )
    result = regress(stub, SPEC % "regress" + text).result
    assert [one.value for one in result.regressions] == [4.0, 1.0]


def test_several_heads_answer_at_once(stub):
    tasks = task("regress", REGRESS) + task("classify", CLASSIFY)
    response = perform_all(stub, tasks + INPUT)
    first, second = response.results
    assert first.model_spec.signature_name == "regress"
    assert [one.value for one in first.regression_result.regressions] == [1.0]
    (row,) = second.classification_result.classifications
    assert [one.label for one in row.classes] == ["up", "down"]


@pytest.mark.parametrize(
    ("call", "text", "code", "message"),
    [
        (classify, INPUT, "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            classify,
            SPEC % "nope" + INPUT,
            "INVALID_ARGUMENT",
            "No signature was found with the name: nope",
        ),
        (classify, SPEC % "classify", "INVALID_ARGUMENT", "Input is empty."),
        (
            classify,
            SPEC % "text" + INPUT,
            "INVALID_ARGUMENT",
            "Expected one input Tensor.",
        ),
        (
            classify,
            SPEC % "total" + INPUT,
            "INVALID_ARGUMENT",
            "No classification inputs found in SignatureDef: ",
        ),
        (
            classify,
            SPEC % "regress" + INPUT,
            "INVALID_ARGUMENT",
            'at least one of "classes" or "scores"',
        ),
        (
            classify,
            SPEC % "flat_scores" + INPUT,
            "INVALID_ARGUMENT",
            "Expected Tensor shape: [batch_size num_classes] but got [1]",
        ),
        (
            classify,
            SPEC
            % "one_score"
            + f"input {{ example_list {{ examples {{ {VALUE % 2} }} "
            "examples { } } }",
            "INVALID_ARGUMENT",
            "Expected scores output batch size of 2. Got: 1",
        ),
        (
            classify,
            SPEC % "uneven" + INPUT,
            "INVALID_ARGUMENT",
            "should match in dim_size(1). Got 2 vs. 1",
        ),
        (
            regress,
            SPEC % "classify" + INPUT,
            "INVALID_ARGUMENT",
            "Expected one output Tensor.",
        ),
        (
            regress,
            SPEC % "scores" + INPUT,
            "INVALID_ARGUMENT",
            "No regression outputs found in SignatureDef: ",
        ),
        (
            regress,
            SPEC % "double_regress" + INPUT,
            "INVALID_ARGUMENT",
            "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE",
        ),
        (
            regress,
            SPEC % "regress" + "input { example_list { examples { } } }",
            "INVALID_ARGUMENT",
            "Feature: x (data type: float) is required",
        ),
        (perform_all, INPUT, "INVALID_ARGUMENT", "no name specified"),
        (
            perform_all,
            f'tasks {{ method_name: "{REGRESS}" }}' + INPUT,
            "INVALID_ARGUMENT",
            "ModelSpec has no name specified.",
        ),
        (
            perform_all,
            task("regress", REGRESS) * 2 + INPUT,
            "INVALID_ARGUMENT",
            "Duplicate evaluation of signature: regress",
        ),
        (
            perform_all,
            task("regress", REGRESS) + task("classify", CLASSIFY, "other"),
            "INVALID_ARGUMENT",
            "must access the same model name",
        ),
        (
            perform_all,
            task("nope", REGRESS) + INPUT,
            "INVALID_ARGUMENT",
            "Requested signature not found in model graph: nope",
        ),
        (
            perform_all,
            task("regress", "tensorflow/serving/predict") + INPUT,
            "UNIMPLEMENTED",
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_wrong_request_is_told(call, text, code, message, stub):
    with pytest.raises(grpc.RpcError) as refused:
        call(stub, text)
    assert refused.value.code().name == code
    assert message in refused.value.details()


def post(http_call, verb, body):
    path = f"/v1/models/plain:{verb}"
    status, content = http_call("plain", "POST", path, json.dumps(body))
    return status, json.loads(content)


@pytest.mark.parametrize(
    ("verb", "body", "expected"),
    [
        (
            "classify",
            {"examples": [{"x": 2.5}]},
            [[["up", 2.5], ["down", -2.5]]],
        ),
        ("regress", {"examples": [{"x": [0.4]}, {"x": 3.0}]}, [0.2, 1.5]),
        (
            "regress",
            {"context": {"x": 8.0}, "examples": [{}, {"x": 2.0}]},
            [4.0, 1.0],
        ),
    ],
)
def test_examples_may_come_as_json(verb, body, expected, http_call):
    answer = post(http_call, verb, {"signature_name": verb, **body})
    assert answer == (200, {"results": expected})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "key 'examples' is expected and was not found"),
        ({"examples": 1}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        (
            {"examples": ["a"]},
            "Example must be JSON object but got JSON String",
        ),
        ({"examples": [{}], "context": 1}, "but got JSON Number"),
        ({"examples": [{"x": {}}]}, "unexpected JSON type: Object"),
        ({"examples": [{"x": [[1]]}]}, "unexpected JSON type: Array"),
        ({"examples": [{"x": ["a", True]}]}, "expecting type: bytes"),
        ({"examples": [{"x": [True, 2, "a"]}]}, "expecting type: int64"),
        ({"examples": [{"x": [{"b64": "YQ=="}, 1.5]}]}, "type: bytes"),
        ({"examples": [{"x": {"b64": "?"}}]}, "Unable to base64 decode"),
        ({"examples": [{"x": 2**63}]}, "has uint64_t element"),
        ({"examples": [{"x": 2**64}], "signature_name": 7}, "string value"),
        ({"examples": [{"x": 80}]}, "Data types don't match"),
    ],
)
def test_wrong_examples_are_told(body, error, http_call):
    body = {"signature_name": "regress", **body}
    status, answer = post(http_call, "regress", body)
    assert status == 400
    assert error in answer["error"]


def test_body_is_read_before_the_model_is_looked_for(http_call):
    path = "/v1/models/nope:predict"
    status, content = http_call("plain", "POST", path, "")
    assert (status, json.loads(content)["error"]) == (
        400,
        "JSON Parse error: The document is empty",
    )
