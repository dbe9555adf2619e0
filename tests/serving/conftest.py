import http.client
import os
import shutil
import socket
import subprocess

import pytest

from exported_task import NAMES, made
from plain_model import save_plain
from slice_tf.export import export_saved_model
from slice_tf_serving import Client, ModelServer, publish, write_warmup

# gRPC and TensorFlow write to stderr, which tests of programs read.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Paths of exported models, by name."""
    root = tmp_path_factory.mktemp("exports")
    return {
        name: export_saved_model(
            one.model, root / name, one.spec, finish=write_warmup
        )
        for name, one in ((name, made(name)) for name in NAMES)
    }


@pytest.fixture(scope="session")
def base_dirs(exports, tmp_path_factory):
    """Base directories with one version, by name of model."""
    root = tmp_path_factory.mktemp("served")
    for name, path in exports.items():
        publish(path, root / name)
    save_plain(root / "plain" / "123")
    return {path.name: path for path in root.iterdir()}


@pytest.fixture(scope="session")
def servers(base_dirs):
    """Running servers, by name of model."""
    running = {name: ModelServer(base_dirs[name], name) for name in base_dirs}
    for server in running.values():
        server.start()
    yield running
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """PEM files: an authority, a server, a client and an expired client."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    root = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(
            ["openssl", *arguments], cwd=root, check=True, capture_output=True
        )

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl(
        *("req", "-x509", "-nodes", *key, "-subj", "/CN=authority"),
        *("-keyout", "ca.key", "-out", "ca.pem", "-days", "2"),
    )
    (root / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    for name, days in (("server", "2"), ("client", "2"), ("expired", "-1")):
        openssl(
            *("req", "-nodes", *key, "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem"),
            *("-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"),
            *("-out", f"{name}.pem", "-days", days),
        )
    return root


@pytest.fixture(scope="session")
def url_of():
    """Returns the URL of a server, by scheme."""

    def url(server, scheme):
        ports = {"grpc": server.grpc_port, "http": server.rest_port}
        return f"{scheme}://127.0.0.1:{ports[scheme]}"

    return url


@pytest.fixture(params=["grpc", "http"])
def connect(request, servers, url_of):
    """Returns clients of one transport, closed at the end."""
    clients = []

    def client(name, **arguments):
        url = url_of(servers[name], request.param)
        clients.append(Client(url, arguments.pop("model", name), **arguments))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture(scope="session")
def raw_call():
    """Sends a raw HTTP request; returns status and body."""

    def call(port, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    return call


@pytest.fixture
def http_call(servers, raw_call):
    """Sends a raw HTTP request to the server of a model, by its name."""

    def call(name, method, path, body=b"", **headers):
        named = {key.replace("_", "-"): one for key, one in headers.items()}
        return raw_call(servers[name].rest_port, method, path, body, named)

    return call


@pytest.fixture
def free_port():
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port at which connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
