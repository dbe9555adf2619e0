import json
import subprocess
import sys
import threading

import grpc
import numpy as np
import pytest
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    predict_pb2,
    regression_pb2,
)
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceStub,
)

from exported_task import NAMES, assert_same, made
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.client import RequestError
from slice_tf_serving.client.transport import Call
from slice_tf_serving.model_config import ModelConfig

SIGNATURES = [
    (name, signature)
    for name in NAMES
    for signature in ("serving_default", "examples", "explain")
    if (name, signature) != ("vanilla", "explain")
]


@pytest.mark.parametrize(("name", "signature"), SIGNATURES)
def test_served_outputs_are_what_keras_predicts(name, signature, connect):
    one = made(name)
    outputs = connect(name).predict(one.inputs(signature), signature)
    assert_same(outputs, one.expected(signature))


def test_one_example_is_a_batch(connect):
    one = made("binary")
    outputs = connect("binary").predict({"x": one.features["x"][:1]})
    expected = one.expected("serving_default")
    assert_same(outputs, {name: all_[:1] for name, all_ in expected.items()})


def test_outputs_can_be_chosen(connect):
    one = made("binary")
    outputs = connect("binary").predict(
        one.features, "explain", outputs=["attention"]
    )
    expected = one.expected("explain")["attention"]
    assert_same(outputs, {"attention": expected})


def test_lists_become_arrays_of_the_declared_type(connect):
    one = made("multi_class")
    lists = {name: array.tolist() for name, array in one.features.items()}
    outputs = connect("multi_class").predict(lists)
    assert_same(outputs, one.expected("serving_default"))


def test_not_a_number_and_infinity_go_in_and_come_out(connect):
    x = np.array([np.nan, np.inf, -np.inf, 1.0], "float32")
    outputs = connect("plain").predict({"x": x})
    np.testing.assert_array_equal(outputs["y"], x / 2 + 2)


def test_text_goes_in_and_comes_out(connect):
    text = np.array([b"caf\xc3\xa9", b""], object)
    numbers = np.array([1.5, 2.5], "float32")
    outputs = connect("plain").predict({"s": text, "a": numbers}, "text")
    assert outputs["echo"].tolist() == text.tolist()
    assert outputs["echo_bytes"].tolist() == text.tolist()
    np.testing.assert_array_equal(outputs["half"], numbers / 2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "bool"])
def test_types_keep_their_values(dtype, connect):
    x = np.array([0, 1, 1, 0], dtype)
    outputs = connect("plain").predict({"x": x}, dtype)
    assert outputs["y"].dtype == dtype
    np.testing.assert_array_equal(outputs["y"], x)


def test_scalar_goes_out(connect):
    x = np.ones(3, "float32")
    outputs = connect("plain").predict({"x": x}, "total")
    assert outputs["y"] == 3.0
    assert outputs["y"].shape == ()


def test_empty_batch_goes_over_grpc(servers, url_of):
    with Client(url_of(servers["binary"], "grpc"), "binary") as client:
        outputs = client.predict({"x": np.zeros((0, 2, 3), "float32")})
    assert outputs["probabilities"].shape == (0, 2)


def test_empty_batch_is_refused_over_http(servers, url_of):
    with (
        Client(url_of(servers["binary"], "http"), "binary") as client,
        pytest.raises(ValueError, match="at least one example"),
    ):
        client.predict({"x": np.zeros((0, 2, 3), "float32")})


def test_metadata_names_version_signatures_types_and_shapes(connect):
    metadata = connect("multi_class").metadata()
    assert (metadata.model, metadata.version) == ("multi_class", 1)
    explain = metadata.signatures["explain"]
    assert {
        name: (one.dtype, one.shape) for name, one in explain.inputs.items()
    } == {"n": ("DT_INT64", (None,)), "x": ("DT_FLOAT", (None, 2, 3))}
    assert {name: one.shape for name, one in explain.outputs.items()} == {
        "attention": (None, 3),
        "class_ids": (None,),
        "logits": (None, 3),
        "probabilities": (None, 3),
        "slice_probabilities": (None, 2),
    }


def test_status_lists_the_version(connect):
    (status,) = connect("binary").status()
    assert (status.version, status.state, status.error) == (1, "AVAILABLE", "")


X = made("binary").features["x"]


@pytest.mark.parametrize(
    ("inputs", "kind", "message"),
    [
        ({"X": X}, ValueError, r"which are x. Received: inputs='X'."),
        ({}, ValueError, "signature=serving_default, missing=x"),
        (
            {"x": X.astype("float64")},
            TypeError,
            "input=x, dtype=float64, expected=float",
        ),
        ({"x": [["a"]]}, TypeError, "input=x, dtype=<U1, expected=float"),
        (
            {"x": X[:, 0]},
            ValueError,
            r"input=x, shape=\(5, 3\), expected=\(any, 2, 3\)",
        ),
    ],
)
def test_request_is_checked_before_it_is_sent(inputs, kind, message, connect):
    with pytest.raises(kind, match=message):
        connect("binary").predict(inputs)


def test_unknown_signature_gets_a_suggestion(connect):
    message = "examples, explain, .*Received.*Did you mean explain"
    with pytest.raises(ValueError, match=message):
        connect("binary").predict({"x": X}, "explian")


def test_unknown_output_is_refused(connect):
    with pytest.raises(ValueError, match="Received: outputs='logits'"):
        connect("binary").predict({"x": X}, outputs=["logits"])


@pytest.mark.parametrize(
    ("arguments", "looked_for"),
    [
        ({"model": "nope"}, r"Latest\(nope\)"),
        ({"version": 9}, r"Specific\(binary, 9\)"),
    ],
)
def test_unknown_model_or_version_is_not_found(arguments, looked_for, connect):
    message = f"code=NOT_FOUND, error=Servable not found.*{looked_for}"
    with pytest.raises(RequestError, match=message):
        connect("binary", **arguments).predict({"x": X})


def test_version_can_be_named(connect):
    outputs = connect("binary", version=1).predict({"x": X})
    assert_same(outputs, made("binary").expected("serving_default"))


def test_broken_example_is_the_caller_s_error(connect):
    examples = np.array([b"\xff\xff", None], object)[:1]
    with pytest.raises(RequestError, match="code=INVALID_ARGUMENT"):
        connect("binary").predict({"examples": examples}, "examples")


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_unreachable_server_is_said_so(scheme, free_port):
    with (
        Client(f"{scheme}://127.0.0.1:{free_port}", "m") as client,
        pytest.raises(ConnectionError, match=r"[Cc]onnection refused"),
    ):
        client.metadata()


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_silent_server_runs_into_the_timeout(scheme, silent_port):
    url = f"{scheme}://127.0.0.1:{silent_port}"
    with (
        Client(url, "m", timeout=0.2) as client,
        pytest.raises((TimeoutError, ConnectionError), match=f"url={url}"),
    ):
        client.metadata()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8500", "ftp://h:1", "http://", "grpc://h:x"]
)
def test_malformed_url_is_refused(url):
    with pytest.raises(ValueError, match="must be grpc://host:port"):
        Client(url, "m")


def test_model_is_not_part_of_the_url():
    with pytest.raises(ValueError, match="must end after the port"):
        Client("http://h:1/v1/models/m", "m")


def test_timeout_must_be_positive():
    with pytest.raises(ValueError, match="Received: timeout=0"):
        Client("http://h:1", "m", timeout=0)


def test_client_may_be_shared_by_threads(connect):
    client, one = connect("binary"), made("binary")
    expected, failures = one.expected("serving_default"), []

    def ask():
        try:
            for _ in range(5):
                assert_same(client.predict(one.features), expected)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


SAMPLES = {
    "predict": (
        "Predict",
        predict_pb2.PredictRequest,
        lambda answer: answer.outputs["probabilities"].float_val,
        lambda answer: answer["predictions"][0]["probabilities"],
    ),
    "classify": (
        "Classify",
        classification_pb2.ClassificationRequest,
        lambda answer: [
            one.score for one in answer.result.classifications[0].classes
        ],
        lambda answer: [score for _, score in answer["results"][0]],
    ),
    "regress": (
        "Regress",
        regression_pb2.RegressionRequest,
        lambda answer: [one.value for one in answer.result.regressions],
        lambda answer: answer["results"],
    ),
}


def test_sample_requests_of_the_contract_are_answered(
    exports, servers, http_call
):
    path = exports["binary"] / "assets.extra/signature.json"
    signatures = json.loads(path.read_text())["signatures"]
    with grpc.insecure_channel(
        f"127.0.0.1:{servers['binary'].grpc_port}"
    ) as channel:
        stub = PredictionServiceStub(channel)
        for name, one in signatures.items():
            verb = name if name in SAMPLES else "predict"
            call, request, of_message, of_json = SAMPLES[verb]
            body = json.dumps(one["sample"]["rest"])
            assert body in one["sample"]["curl"]
            url = f"/v1/models/binary:{verb}"
            assert one["sample"]["curl"].endswith(f"MODEL:{verb}")
            _, content = http_call("binary", "POST", url, body)
            message = json_format.ParseDict(one["sample"]["grpc"], request())
            message.model_spec.name = "binary"
            answer = getattr(stub, call)(message)
            assert answer.model_spec.signature_name == name
            np.testing.assert_allclose(
                of_message(answer), of_json(json.loads(content)), rtol=1e-6
            )


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_client_waits_for_a_server_that_is_starting(
    scheme, base_dirs, free_port
):
    ports = {"grpc": 0, "http": 0, scheme: free_port}
    server = ModelServer(base_dirs["binary"], "m", ports["http"], ports["grpc"])
    starting = threading.Timer(0.5, server.start)
    starting.start()
    with Client(f"{scheme}://127.0.0.1:{free_port}", "m") as client:
        metadata = client.wait_until_ready(60)
    starting.join()
    server.stop()
    assert metadata.version == 1


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_waiting_ends(scheme, free_port):
    with (
        Client(f"{scheme}://127.0.0.1:{free_port}", "m") as client,
        pytest.raises(ConnectionError, match="must be running at the URL"),
    ):
        client.wait_until_ready(0.5)


def test_waiting_for_a_model_that_never_comes_ends(connect):
    with pytest.raises(RequestError, match="code=NOT_FOUND"):
        connect("binary", model="nope").wait_until_ready(0.5)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 9])
def test_batch_is_split_and_put_together(batch_size, connect):
    one = made("multi_class")
    outputs = connect("multi_class").predict(
        one.features, batch_size=batch_size
    )
    assert_same(outputs, one.expected("serving_default"))


def test_what_cannot_be_split_is_told(connect):
    client = connect("plain")
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        client.predict({"x": [1.0]}, batch_size=0)
    with pytest.raises(ValueError, match=r"same number of rows.*'x': \(\)"):
        client.predict({"x": 1.0}, batch_size=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retries": -1}, "Received: retries=-1"),
        ({"version": 1, "label": "a"}, "Received: version=1, label='a'"),
    ],
)
def test_arguments_must_make_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        Client("grpc://127.0.0.1", "m", **arguments)


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_label_pins_a_version(scheme, base_dirs, url_of):
    model = ModelConfig("b", base_dirs["binary"], labels={"stable": 1})
    with ModelServer.of_models([model]) as server:
        url = url_of(server, scheme)
        with Client(url, "b", label="stable") as client:
            assert client.metadata().version == 1
        with (
            Client(url, "b", label="none") as client,
            pytest.raises(RequestError, match="version label: none"),
        ):
            client.metadata()


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_call_is_repeated_until_the_server_is_there(
    scheme, base_dirs, free_port
):
    ports = {"grpc": 0, "http": 0, scheme: free_port}
    server = ModelServer(base_dirs["binary"], "m", ports["http"], ports["grpc"])
    starting = threading.Timer(0.2, server.start)
    starting.start()
    url = f"{scheme}://127.0.0.1:{free_port}"
    with Client(url, "m", retries=50, timeout=60) as client:
        assert client.metadata().version == 1
    starting.join()
    server.stop()


def test_what_was_refused_is_not_repeated(base_dirs, raw_call):
    with ModelServer(base_dirs["binary"], "m") as server:
        with Client(f"http://127.0.0.1:{server.rest_port}", "m") as client:
            client.metadata()
            with pytest.raises(RequestError):
                client._again(Call("/v1/models/m:predict", b"{}", dict))
        path = "/monitoring/prometheus/metrics"
        _, body = raw_call(server.rest_port, "GET", path, b"", {})
    count = 'request_count{model_name="m",status="INVALID_ARGUMENT"} 1'
    assert count in body.decode()


HEAVY = {"http": ("tensorflow", "keras", "grpc", "google.protobuf")}
HEAVY["grpc"] = ("tensorflow", "keras", "tensorflow_serving")


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_client_is_slim(scheme, kind):
    code = (
        "import asyncio, pathlib, sys\n"
        "import slice_tf_serving\n"
        "async def main():\n"
        f"    client = slice_tf_serving.{kind}('{scheme}://127.0.0.1', 'm')\n"
        "    if hasattr(client, '_connected'): client._connected()\n"
        "    closing = client.close()\n"
        "    if closing: await closing\n"
        "asyncio.run(main())\n"
        f"print(sorted(set({HEAVY[scheme]!r}) & set(sys.modules)))\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    modules, megabytes = done.stdout.split("\n")[:2]
    assert modules == "[]", done.stderr
    assert int(megabytes) < 60
