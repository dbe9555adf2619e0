"""Metrics, slices, health and the log of requests."""

import pathlib
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from exported_task import assert_same, made
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.health import (
    NOT_SERVING,
    SERVING,
    HealthCheckRequest,
    HealthCheckResponse,
)
from slice_tf_serving.metrics import Metrics
from slice_tf_serving.request_log import LogSettings, RequestLog

METRICS = "/monitoring/prometheus/metrics"


def lines_of(server, raw_call, start):
    status, body = raw_call(server.rest_port, "GET", METRICS, b"", {})
    assert status == 200
    return [
        line for line in body.decode().splitlines() if line.startswith(start)
    ]


@pytest.fixture
def serve(base_dirs):
    """Starts servers of the multi-class model and stops them at the end."""
    servers = []

    def start(**arguments):
        server = ModelServer(base_dirs["multi_class"], "m", **arguments)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(params=["grpc", "http"])
def scheme(request):
    return request.param


@pytest.fixture
def ask(scheme, url_of):
    """Predicts with a signature and returns the outputs."""

    def predict(server, signature="serving_default", **arguments):
        one = made("multi_class")
        with Client(url_of(server, scheme), "m") as client:
            inputs = one.inputs(signature)
            return client.predict(inputs, signature, **arguments)

    return predict


def test_requests_are_counted_by_status(serve, raw_call):
    server = serve()
    for path in ("m:predict", "m:predict", "nope:predict", "m:classify"):
        url = f"/v1/models/{path}"
        raw_call(server.rest_port, "POST", url, b'{"instances": [1]}', {})
    counts = lines_of(server, raw_call, ":tensorflow:serving:request_count{")
    name = ":tensorflow:serving:request_count"
    assert counts == [
        f'{name}{{model_name="",status="NOT_FOUND"}} 1',
        f'{name}{{model_name="m",status="INVALID_ARGUMENT"}} 3',
    ]


def test_latency_and_examples_are_histograms(serve, ask, scheme, raw_call):
    server = serve()
    ask(server)
    port = server.rest_port
    raw_call(port, "POST", "/v1/models/m:predict", b"{}", {})  # not answered
    api, entry = {"grpc": ("Predict", "GRPC"), "http": ("predict", "REST")}[
        scheme
    ]
    name = ":tensorflow:serving:request_latency_count"
    labels = f'model_name="m",API="{api}",entrypoint="{entry}"'
    assert f"{name}{{{labels}}} 1" in lines_of(server, raw_call, name)
    start = ":tensorflow:serving:request_example_counts"
    (total,) = lines_of(server, raw_call, f"{start}_sum")
    assert total == f'{start}_sum{{model_name="m"}} 5'
    assert f'{start}_bucket{{model_name="m",le="10"}} 1' in lines_of(
        server, raw_call, start
    )


def test_warm_up_is_timed(serve, base_dirs, raw_call):
    path = base_dirs["multi_class"] / "1"
    (line,) = lines_of(
        serve(), raw_call, ":tensorflow:serving:model_warmup_latency_count"
    )
    assert f'{{model_path="{path}",status="OK"}} 1' in line


@pytest.mark.parametrize("is_watching", [True, False])
def test_slices_are_counted_where_they_are_watched(
    is_watching, serve, ask, raw_call
):
    server = serve(watch_slices=is_watching)
    assert_same(ask(server), made("multi_class").expected("serving_default"))
    inside = made("multi_class").expected("explain")["slice_probabilities"]
    start = "slice_tf:slice_examples{"
    expected = [
        f'{start}model_name="m",version="1",slice="{name}"}} {count}'
        for name, count in zip(
            ("small", "large"), (inside > 0.5).sum(axis=0), strict=True
        )
    ]
    received = lines_of(server, raw_call, start)
    assert sorted(received) == (sorted(expected) if is_watching else [])


def test_watching_keeps_the_filter_of_outputs(serve, ask):
    server = serve(watch_slices=True)
    assert list(ask(server, outputs=["class_ids"])) == ["class_ids"]


def test_labels_are_escaped():
    metrics = Metrics()
    labels = {"slice": 'a"b\\c\nd'}
    metrics.counter("slice_tf:slice_examples", labels).value += 0.5
    assert metrics.text().splitlines()[-1] == (
        r'slice_tf:slice_examples{slice="a\"b\\c\nd"} 0.5'
    )


def check(server, service=""):
    address = f"127.0.0.1:{server.grpc_port}"
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        return call(HealthCheckRequest(service=service), timeout=60).status


@pytest.mark.parametrize("service", ["", "PredictionService", "ModelService"])
def test_health_is_told(service, servers):
    assert check(servers["binary"], service) == SERVING


def test_unknown_service_has_no_health(servers):
    with pytest.raises(grpc.RpcError, match="unknown service") as refused:
        check(servers["binary"], "nope")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_watches_health_is_told_when_the_server_stops(serve):
    server = serve()
    address = f"127.0.0.1:{server.grpc_port}"
    with grpc.insecure_channel(address) as channel:
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        answers = watch(HealthCheckRequest(), timeout=60)
        assert next(answers).status == SERVING
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert next(answers).status == NOT_SERVING
        answers.cancel()
        stopping.join()


def logged(directory):
    files = sorted(pathlib.Path(directory).glob("*.tfrecord"))
    return [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(
            [str(file) for file in files]
        ).as_numpy_iterator()
    ]


def test_log_holds_answers_and_what_is_on_the_list(serve, ask, tmp_path):
    settings = LogSettings(tmp_path, sampling_rate=1, inputs=("n",))
    server = serve(log=settings, watch_slices=True)
    ask(server)
    server.stop()
    (log,) = logged(tmp_path)
    request, response = log.predict_log.request, log.predict_log.response
    assert set(request.inputs) == {"n"}
    np.testing.assert_array_equal(
        tf.make_ndarray(request.inputs["n"]), made("multi_class").features["n"]
    )
    assert_same(
        {name: tf.make_ndarray(one) for name, one in response.outputs.items()},
        made("multi_class").expected("explain"),
    )
    for spec in (request.model_spec, log.log_metadata.model_spec):
        assert (spec.name, spec.version.value) == ("m", 1)
    assert log.log_metadata.sampling_config.sampling_rate == 1
    assert list(tmp_path.glob(".*")) == []


def outputs(count):
    return {"y": np.full(count, 0.5, np.float32)}


def test_log_is_sampled(tmp_path):
    log = RequestLog(LogSettings(tmp_path, sampling_rate=0.25))
    share = sum(log.is_sampled() for _ in range(10_000)) / 10_000
    log.close()
    assert 0.2 < share < 0.3


def test_files_are_rotated(tmp_path):
    log = RequestLog(LogSettings(tmp_path, 1, file_records=2))
    for _ in range(5):
        log.add(("m", 1, "s"), {}, outputs(1))
    log.close()
    assert len(list(tmp_path.iterdir())) == 3
    assert (len(logged(tmp_path)), log.num_logged, log.num_dropped) == (5, 5, 0)


def test_what_finds_no_place_is_dropped_and_counted(tmp_path, monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def slow_write(log, entry):
        began.set()
        go_on.wait()

    monkeypatch.setattr(RequestLog, "_write", slow_write)
    log = RequestLog(LogSettings(tmp_path, 1, waiting=2))
    log.add(("m", 1, "s"), {}, outputs(1))
    began.wait()
    for _ in range(5):
        log.add(("m", 1, "s"), {}, outputs(1))
    go_on.set()
    log.close()
    assert log.num_dropped == 3


def test_disk_that_fails_costs_the_log_and_nothing_else(
    serve, ask, tmp_path, raw_call
):
    directory = tmp_path / "log"
    server = serve(log=LogSettings(directory, sampling_rate=1))
    directory.rmdir()
    directory.write_text("in the way")
    ask(server)
    start = ':tensorflow:serving:request_log_count{status="DROPPED"}'
    deadline = time.monotonic() + 60
    while lines_of(server, raw_call, start) != [f"{start} 1"]:
        assert time.monotonic() < deadline
    ask(server)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampling_rate": 0}, "Received: sampling_rate=0"),
        ({"sampling_rate": 1.5}, "Received: sampling_rate=1.5"),
        ({"file_records": 0}, "Received: file_records=0"),
        ({"file_seconds": -1.0}, "Received: file_seconds=-1.0"),
        ({"waiting": 0}, "Received: waiting=0"),
    ],
)
def test_settings_of_the_log_are_checked(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        LogSettings(tmp_path, **arguments)
