"""A plan, and running servers that are taken along it."""

import contextlib
import shutil
import threading
import time

import pytest

from plain_model import save_plain
from slice_tf import cli
from slice_tf.files import write_text
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.client import RequestError
from slice_tf_serving.deployment import CanaryWalk
from slice_tf_serving.deployment.canary import canary_plan, step_file
from slice_tf_serving.model_config import (
    ModelConfig,
    models_config,
    read_models_config,
)
from slice_tf_serving.security import Tls
from slice_tf_serving.version_policy import VersionPolicy

STATES = [
    ((1,), {"stable": 1}),
    ((1, 2), {"stable": 1}),
    ((1, 2), {"stable": 1, "canary": 2}),
    ((1, 2), {"stable": 2, "canary": 2}),
    ((2,), {"stable": 2}),
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "m"
    save_plain(path)
    return path


@pytest.fixture
def place(saved, tmp_path):
    """Two versions, a plan from one to the other, and where it starts."""
    for version in ("1", "2"):
        shutil.copytree(saved, tmp_path / "base" / version)
    write_plan(tmp_path)
    models = [
        ModelConfig(name, tmp_path / "base", VersionPolicy.specific(1))
        for name in ("m", "other")
    ]
    write_text(tmp_path / "models.config", models_config(models))
    return tmp_path


def write_plan(place, base=None):
    (place / "plan").mkdir(exist_ok=True)
    plan = canary_plan("m", base or place / "base", 1, 2)
    for number, step in enumerate(plan, 1):
        write_text(step_file(place / "plan", number), step.config)


@pytest.fixture
def serve(place):
    """Starts servers that read the same models.config, by its own words."""
    servers = []

    def start(**arguments):
        file = place / "models.config"
        if not arguments:
            arguments = {"config_file": file, "config_poll_seconds": 0.02}
        models = read_models_config(file)
        servers.append(ModelServer.of_models(models, **arguments))
        servers[-1].start()
        return url_of(servers[-1])

    yield start
    for server in servers:
        server.stop()


def url_of(server, scheme="grpc"):
    port = server.grpc_port if scheme == "grpc" else server.rest_port
    return f"{scheme}://127.0.0.1:{port}"


def walk_of(place, *urls, **arguments):
    file = place / "models.config"
    arguments = {"timeout": 60, **arguments}
    return CanaryWalk(place / "plan", file, urls, **arguments)


def served(url, name="m"):
    """Returns what a server serves: versions, and where labels lead."""
    labels = {}
    for label in ("stable", "canary"):
        with (
            contextlib.suppress(RequestError),
            Client(url, name, label=label) as client,
        ):
            labels[label] = client.metadata().version
    with Client(url, name) as client:
        states = [s.version for s in client.status() if s.state == "AVAILABLE"]
    return tuple(sorted(states)), labels


def test_plan_leads_from_one_version_to_the_next(tmp_path):
    file, states = tmp_path / "models.config", []
    for step in canary_plan("m", tmp_path, 1, 2):
        file.write_text(step.config)
        (model,) = read_models_config(file)
        states.append((model.policy.numbers, dict(model.labels)))
        assert model.policy.numbers == step.available
    assert states == STATES
    with pytest.raises(ValueError, match="Received: old=1, new=1"):
        canary_plan("m", tmp_path, 1, 1)


def test_plan_keeps_the_url_of_a_store():
    (first, *_) = canary_plan("m", "gs://bucket/m", 1, 2)
    assert 'base_path: "gs://bucket/m"' in first.config


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_servers_that_read_the_file_walk_forth_and_back(scheme, place):
    file = place / "models.config"
    servers = [
        ModelServer.of_models(
            read_models_config(file),
            config_file=file,
            config_poll_seconds=0.02,
        )
        for _ in range(2)
    ]
    with servers[0], servers[1]:
        urls = [url_of(one, scheme) for one in servers]
        walk, seen = walk_of(place, *urls), []
        assert (walk.position, walk.num_steps) == (0, 5)
        for last in (2, 5, 1):
            for number in walk.walk(last):
                states = [served(url) for url in urls]
                assert states == [STATES[number - 1]] * 2
                assert walk.position == number
                seen.append(number)
        assert seen == [1, 2, 2, 3, 4, 5, 4, 3, 2, 1]
        assert [served(url, "other") for url in urls] == [((1,), {})] * 2


def test_servers_that_do_not_read_it_are_told(place, serve):
    url = serve(allow_reload=True)
    walk = walk_of(place, url, reload=True)
    for number in (*walk.walk(5), *walk.walk(1)):
        assert walk.describe(number)
    assert served(url) == STATES[0]
    assert served(url, "other") == ((1,), {})


def test_a_server_may_refuse_to_be_told(place, serve):
    url = serve(allow_reload=False)
    walk = walk_of(place, url, reload=True)
    with pytest.raises(RequestError, match="PERMISSION_DENIED"):
        list(walk.walk(2))
    assert walk.position == 0
    walk = walk_of(place, url.replace("grpc", "http"), reload=True)
    with pytest.raises(ValueError, match=r"over gRPC only.*url='http"):
        list(walk.walk(2))


def test_version_that_cannot_be_loaded_stops_the_walk(place, serve):
    shutil.rmtree(place / "base/2/variables")
    url = serve()
    walk = walk_of(place, url)
    message = "those before it still are. Received: version=2, error="
    for _ in range(2):  # Nor does it get past it when it is asked again.
        with pytest.raises(ValueError, match=message):
            list(walk.walk(5))
        assert walk.position == 2
    assert served(url) == STATES[0]
    assert list(walk.walk(1)) == [1]
    assert served(url) == STATES[0]


def test_server_that_does_not_follow_stops_the_walk(place, serve):
    shutil.rmtree(place / "base/2")
    walk = walk_of(place, url := serve(), timeout=0.3)
    message = rf"server={url}, step=2, timeout=0.3, available=\[1\]"
    with pytest.raises(TimeoutError, match=message):
        list(walk.walk(3))
    assert walk.position == 2


def test_walk_waits_for_a_server_that_starts_late(place, free_port):
    walk = walk_of(place, f"grpc://127.0.0.1:{free_port}")
    done = []
    walking = threading.Thread(target=lambda: done.extend(walk.walk(1)))
    walking.start()
    models = read_models_config(place / "models.config")
    while walk.position == 0:
        time.sleep(0.02)
    models = read_models_config(place / "models.config")
    with ModelServer.of_models(models, grpc_port=free_port):
        walking.join()
    assert done == [1]


def test_walk_goes_on_where_it_was_broken_off(place, serve):
    url = serve()
    for number in walk_of(place, url).walk(5):
        if number == 2:
            break
    assert list(walk_of(place, url).walk(3)) == [2, 3]
    assert served(url) == STATES[2]


def test_file_is_made_where_there_is_none(place, serve):
    url = serve(allow_reload=True)
    (place / "models.config").unlink()
    assert list(walk_of(place, url, reload=True).walk(1)) == [1]
    (model,) = read_models_config(place / "models.config")
    assert model.policy == VersionPolicy(None, (1,))


def test_plan_must_speak_of_the_servers_directory(place):
    write_plan(place, "/elsewhere")
    with pytest.raises(ValueError, match="/elsewhere in the plan"):
        list(walk_of(place).walk(1))


@pytest.mark.parametrize("to", [0, 6])
def test_step_must_be_one_of_the_plan(to, place):
    with pytest.raises(ValueError, match=f"from 1 to 5. Received: to={to}"):
        list(walk_of(place).walk(to))


@pytest.mark.parametrize(
    "text", ["", models_config([ModelConfig("m", "/m")]), None]
)
def test_plan_must_be_one(text, place):
    shutil.rmtree(place / "plan")
    (place / "plan").mkdir()
    if text is not None:
        write_text(step_file(place / "plan", 1), text)
    with pytest.raises(
        ValueError, match=r"specific versions\. Received: plan="
    ):
        walk_of(place)


def test_command_takes_one_step_or_many(place, serve, capsys, caplog):
    flags = ["--plan-dir", place / "plan", "--server", serve()]
    flags += ["--models-config", place / "models.config", "--timeout", 60]

    def canary(*more):
        status = cli.main(["canary", *map(str, [*flags, *more])])
        return (status, *capsys.readouterr())

    first, second, third = (
        "step 1 of 5: serves 1, stable is 1\n",
        "step 2 of 5: serves 1 and 2, stable is 1\n",
        "step 3 of 5: serves 1 and 2, canary is 2, stable is 1\n",
    )
    assert canary() == (0, first, "")
    assert canary("--to", 3) == (0, first + second + third, "")
    assert canary("--to", 1) == (0, second + first, "")
    shutil.rmtree(place / "base/2")
    status, out, err = canary("--timeout", 0.2)
    assert (status, out) == (2, first)
    assert err.startswith("slice-tf canary: error: A server must follow withi")
    assert "to go back, pass --to 1" in caplog.messages


@pytest.mark.parametrize("scheme", ["grpcs", "https"])
def test_command_has_certificate_and_token(scheme, place, certificates, capsys):
    file, pem = place / "models.config", certificates
    tls = Tls(pem / "server.key", pem / "server.pem", pem / "ca.pem")
    write_text(place / "token", "s3cret\n")
    with ModelServer.of_models(
        read_models_config(file),
        config_file=file,
        config_poll_seconds=0.02,
        tls=tls,
        token="s3cret",
    ) as server:
        port = server.grpc_port if scheme == "grpcs" else server.rest_port
        flags = ["--plan-dir", place / "plan", "--models-config", file]
        flags += ["--server", f"{scheme}://127.0.0.1:{port}"]
        flags += ["--tls-ca", pem / "ca.pem", "--timeout", 60, "--tls-key"]
        flags += [pem / "client.key", "--tls-certificate", pem / "client.pem"]
        argv = ["canary", *map(str, flags)]
        assert cli.main([*argv, "--to=1"]) == 2
        assert "UNAUTHENTICATED" in capsys.readouterr().err
        argv += ["--to=1", f"--token-file={place / 'token'}"]
        assert cli.main(argv) == 0
    assert capsys.readouterr().out == "step 1 of 5: serves 1, stable is 1\n"
