"""TLS, client certificates, tokens, and callers who wish no good."""

import http.client
import socket
import ssl

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceStub,
)

from slice_tf_serving import Client, ModelServer
from slice_tf_serving.client import Certificates, RequestError, ServerError
from slice_tf_serving.limits import Limits
from slice_tf_serving.security import Tls

PREDICT = "/v1/models/plain:predict"
BODY = b'{"instances": [1]}'


@pytest.fixture
def serve(base_dirs):
    servers = []

    def start(**arguments):
        servers.append(ModelServer(base_dirs["plain"], "plain", **arguments))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def ask_rest(server, context=None, **headers):
    kind = http.client.HTTPSConnection if context else None
    connection = (
        kind("localhost", server.rest_port, context=context, timeout=60)
        if kind
        else http.client.HTTPConnection(
            "127.0.0.1", server.rest_port, timeout=60
        )
    )
    try:
        connection.request("POST", PREDICT, BODY, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def ask_grpc(server, credentials=None, **metadata):
    address = f"localhost:{server.grpc_port}"
    channel = (
        grpc.secure_channel(address, credentials)
        if credentials
        else grpc.insecure_channel(address)
    )
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "plain"
    request.inputs["x"].dtype = 1
    request.inputs["x"].float_val.append(1)
    with channel:
        stub = PredictionServiceStub(channel)
        sent = tuple(metadata.items())
        answer = stub.Predict(request, timeout=10, metadata=sent)
        return answer.outputs["y"].float_val[0]


def context_of(root, client=None):
    context = ssl.create_default_context(cafile=root / "ca.pem")
    if client:
        context.load_cert_chain(root / f"{client}.pem", root / f"{client}.key")
    return context


def credentials_of(root, client=None):
    pair = (
        [(root / f"{client}.{end}").read_bytes() for end in ("key", "pem")]
        if client
        else [None, None]
    )
    return grpc.ssl_channel_credentials((root / "ca.pem").read_bytes(), *pair)


def test_both_fronts_speak_tls(certificates, serve):
    root = certificates
    server = serve(tls=Tls(root / "server.key", root / "server.pem"))
    assert ask_rest(server, context_of(root)) == (200, b'{"predictions":[2.5]}')
    assert ask_grpc(server, credentials_of(root)) == 2.5
    with pytest.raises((OSError, http.client.HTTPException)):
        ask_rest(server)


def test_only_clients_with_a_valid_certificate_are_answered(
    certificates, serve
):
    root = certificates
    pair = root / "server.key", root / "server.pem"
    server = serve(tls=Tls(*pair, client_ca=root / "ca.pem"))
    assert ask_rest(server, context_of(root, "client"))[0] == 200
    assert ask_grpc(server, credentials_of(root, "client")) == 2.5
    for client in (None, "expired"):
        with pytest.raises(OSError, match=r"(?i)alert|reset|EOF|closed"):
            ask_rest(server, context_of(root, client))
        with pytest.raises(grpc.RpcError) as refused:
            ask_grpc(server, credentials_of(root, client))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_file_of_tls_must_be_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"Received: key={tmp_path}"):
        Tls(tmp_path / "no", tmp_path / "no")


def test_only_who_knows_the_token_is_answered(serve, raw_call):
    server = serve(token="s3cret")
    sent = {"authorization": "Bearer s3cret"}
    assert ask_rest(server, **sent)[0] == 200
    assert ask_grpc(server, **sent) == 2.5
    for wrong in ({}, {"authorization": "Bearer other"}):
        assert ask_rest(server, **wrong)[0] == 401
        with pytest.raises(grpc.RpcError, match="must carry") as refused:
            ask_grpc(server, **wrong)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    path = "/monitoring/prometheus/metrics"
    assert raw_call(server.rest_port, "GET", path, b"", {})[0] == 401
    assert raw_call(server.rest_port, "GET", path, b"", sent)[0] == 200


def head(length):
    return (
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_body_that_never_comes_is_given_up(serve):
    server = serve(limits=Limits(body_seconds=0.2))
    with socket.create_connection(("127.0.0.1", server.rest_port)) as slow:
        slow.sendall(head(100) + b'{"inst')
        slow.settimeout(60)
        assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert ask_rest(server)[0] == 200


def test_gigabyte_is_refused_before_it_is_sent(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.rest_port)) as sender:
        sender.sendall(head(1 << 30))
        sender.settimeout(60)
        assert sender.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_caller_who_hangs_up_harms_nobody(serve):
    server = serve()
    for part in (b"POST", head(100), head(100) + b"{"):
        with socket.create_connection(("127.0.0.1", server.rest_port)) as one:
            one.sendall(part)
    assert ask_rest(server)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/..%2f..%2fetc:predict",
        "/v1/models/%00:predict",
        "/v1/../v1/models/plain:predict",
        "/v1/models/plain/versions/-1:predict",
        "/v1/models/plain/versions/%31:predict",
    ],
)
def test_tricks_with_paths_lead_nowhere(path, servers, raw_call):
    port = servers["plain"].rest_port
    assert raw_call(port, "POST", path, BODY, {})[0] in (400, 404)


def test_request_that_has_arrived_is_answered_while_it_stops(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.rest_port)) as one:
        one.sendall(head(len(BODY)) + BODY[:5])
        server.request_stop()
        one.sendall(BODY[5:])
        one.settimeout(60)
        server.stop()
        assert b'{"predictions":[2.5]}' in one.recv(1000)


@pytest.mark.parametrize("scheme", ["grpcs", "https"])
def test_client_has_certificate_and_token(scheme, certificates, serve):
    root = certificates
    server = serve(
        tls=Tls(root / "server.key", root / "server.pem", root / "ca.pem"),
        token="s3cret",
    )
    ports = {"grpcs": server.grpc_port, "https": server.rest_port}
    url = f"{scheme}://localhost:{ports[scheme]}"
    mine = Certificates(
        root / "ca.pem", root / "client.key", root / "client.pem"
    )
    with Client(url, "plain", certificates=mine, token="s3cret") as client:
        assert client.predict({"x": [1.0]})["y"].tolist() == [2.5]
    with (
        Client(url, "plain", certificates=mine, token="no") as client,
        pytest.raises(RequestError, match="code=UNAUTHENTICATED"),
    ):
        client.metadata()
    with (
        Client(url, "plain", token="s3cret", retries=0) as client,
        pytest.raises((ConnectionError, ServerError)),
    ):
        client.metadata()


def test_key_and_certificate_go_together(tmp_path):
    with pytest.raises(ValueError, match="certificate=None"):
        Certificates(key=tmp_path)
