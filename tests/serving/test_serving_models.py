"""Several models and versions: what is loaded, replaced and kept."""

import shutil
import threading
import time

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from plain_model import save_plain
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.client import RequestError
from slice_tf_serving.model_config import (
    ModelConfig,
    models_config,
    read_models_config,
)
from slice_tf_serving.version_policy import VersionPolicy

POLL_SECONDS = 0.02
INPUTS = {"a": np.float32([3]), "s": np.array([b"x"], object)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "m"
    save_plain(path)
    return path


@pytest.fixture
def base(saved, tmp_path):
    """A base directory of versions 1 and 2."""
    for version in (1, 2):
        shutil.copytree(saved, tmp_path / "base" / str(version))
    return tmp_path / "base"


@pytest.fixture
def serving():
    """Starts servers and stops them at the end."""
    servers = []

    def start(*models, **arguments):
        arguments = {"poll_seconds": POLL_SECONDS, **arguments}
        servers.append(ModelServer.of_models(models, **arguments))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def states(server, name="m"):
    with client(server, name) as one:
        return {state.version: state.state for state in one.status()}


def client(server, name="m", **arguments):
    return Client(f"grpc://127.0.0.1:{server.grpc_port}", name, **arguments)


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


def add(saved, base, version):
    """Publishes a version at once."""
    shutil.copytree(saved, base / ".tmp")
    (base / ".tmp").rename(base / str(version))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (VersionPolicy(), {2}),
        (VersionPolicy.latest(2), {1, 2}),
        (VersionPolicy.latest(9), {1, 2}),
        (VersionPolicy.every(), {1, 2}),
        (VersionPolicy.specific(1), {1}),
        (VersionPolicy.specific(7, 1), {1}),
    ],
)
def test_policy_chooses_versions(policy, expected, base, serving):
    server = serving(ModelConfig("m", base, policy))
    assert states(server) == dict.fromkeys(expected, "AVAILABLE")


@pytest.mark.parametrize("count", [0, -1])
def test_policy_must_choose_something(count):
    with pytest.raises(ValueError, match=f"Received: count={count}"):
        VersionPolicy.latest(count)
    with pytest.raises(ValueError, match="must name at least one version"):
        VersionPolicy.specific()


def test_new_version_replaces_the_old_without_a_failed_request(
    saved, base, serving
):
    server = serving(ModelConfig("m", base))
    done, failures, versions = threading.Event(), [], set()

    def ask():
        with client(server) as one:
            while not done.is_set():
                try:
                    versions.add(one.metadata().version)
                    one.predict(INPUTS, "text")
                except Exception as error:
                    failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for version in (3, 4):
            add(saved, base, version)
            wait_until(lambda version=version: server.version == version)
        wait_until(lambda: states(server)[3] == "END" and 4 in versions)
    finally:
        done.set()
        asking.join()
    assert failures == []
    assert {2, 4} <= versions
    assert states(server) == {2: "END", 3: "END", 4: "AVAILABLE"}


def test_version_that_fails_leaves_the_old_in_service(saved, base, serving):
    server = serving(ModelConfig("m", base))
    shutil.copytree(saved, base / ".tmp")
    shutil.rmtree(base / ".tmp" / "variables")
    (base / ".tmp").rename(base / "3")
    wait_until(lambda: states(server).get(3) == "END")
    assert states(server) == {2: "AVAILABLE", 3: "END"}
    with client(server) as one:
        (failed,) = (one for one in one.status() if one.version == 3)
        one.predict(INPUTS, "text")
    assert "must be whole to be loaded" in failed.error
    add(saved, base, 4)
    wait_until(lambda: server.version == 4)


@pytest.mark.parametrize("policy", [VersionPolicy(), VersionPolicy.every()])
def test_server_starts_with_what_can_be_loaded(policy, base, serving):
    shutil.rmtree(base / "2" / "variables")
    server = serving(ModelConfig("m", base, policy))
    assert states(server) == {1: "AVAILABLE", 2: "END"}


def test_as_many_are_served_as_there_are_good_ones(saved, base, serving):
    server = serving(ModelConfig("m", base, VersionPolicy.latest(2)))
    shutil.copytree(base / "1" / "assets", base / "3")
    wait_until(lambda: states(server).get(3) == "END")
    expected = {1: "AVAILABLE", 2: "AVAILABLE", 3: "END"}
    assert states(server) == expected
    time.sleep(5 * POLL_SECONDS)
    assert states(server) == expected


def test_empty_base_directory_leaves_all_in_service(base, serving):
    server = serving(ModelConfig("m", base))
    shutil.rmtree(base)
    time.sleep(5 * POLL_SECONDS)
    with client(server) as one:
        assert one.predict(INPUTS, "text")["half"].tolist() == [1.5]


def test_no_version_is_looked_for_where_polling_is_off(saved, base, serving):
    server = serving(ModelConfig("m", base), poll_seconds=0)
    add(saved, base, 3)
    time.sleep(5 * POLL_SECONDS)
    assert server.version == 2


def test_label_leads_to_its_version(base, serving, raw_call):
    labels = {"stable": 1, "canary": 2}
    model = ModelConfig("m", base, VersionPolicy.every(), labels)
    server = serving(model)
    for label, version in labels.items():
        path = f"/v1/models/m/labels/{label}/metadata"
        _, body = raw_call(server.rest_port, "GET", path, b"", {})
        assert f'"version": "{version}"'.encode() in body


def test_label_must_lead_to_what_is_served(base, serving):
    model = ModelConfig("m", base, labels={"stable": 1})
    with pytest.raises(ValueError, match="assign label to version 1 of model"):
        serving(model)


def test_models_are_served_side_by_side(base, base_dirs, serving):
    server = serving(
        ModelConfig("m", base), ModelConfig("b", base_dirs["binary"])
    )
    assert states(server, "m") == {2: "AVAILABLE"}
    assert states(server, "b") == {1: "AVAILABLE"}
    with (
        client(server, "c") as one,
        pytest.raises(RequestError, match="model c"),
    ):
        one.status()


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_models_must_have_names_of_their_own(names, tmp_path):
    with pytest.raises(ValueError, match="each of a name of its own"):
        ModelServer.of_models([ModelConfig(one, tmp_path) for one in names])


def config_text(base, name="m", more="", platform="tensorflow"):
    return (
        f'config {{ name: "{name}" base_path: "{base}" '
        f'model_platform: "{platform}" {more} }}'
    )


def reload(server, *configs):
    text = f"config {{ model_config_list {{ {' '.join(configs)} }} }}"
    request = text_format.Parse(
        text, model_management_pb2.ReloadConfigRequest()
    )
    address = f"127.0.0.1:{server.grpc_port}"
    with grpc.insecure_channel(address) as channel:
        ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=60)


def test_reload_adds_moves_and_removes(base, base_dirs, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    policy = "model_version_policy { specific { versions: 1 } }"
    binary = config_text(base_dirs["binary"], "b")
    reload(server, config_text(base, more=policy), binary)
    assert states(server) == {1: "AVAILABLE", 2: "END"}
    assert states(server, "b") == {1: "AVAILABLE"}
    reload(server, binary)
    with client(server) as one, pytest.raises(RequestError, match=r"Latest\(m"):
        one.metadata()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (
            'version_labels { key: "canary" value: 9 }',
            "FAILED_PRECONDITION",
            "assign label to version 9 of model m",
        ),
        (
            "model_type: TENSORFLOW",
            "INVALID_ARGUMENT",
            "Illegal setting both ModelServerConfig::model_type",
        ),
        (
            "logging_config { }",
            "INVALID_ARGUMENT",
            "No request-logger-creator provided.",
        ),
    ],
)
def test_refused_reload_changes_nothing(more, code, message, base, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    with pytest.raises(grpc.RpcError, match=message) as refused:
        reload(server, config_text(base, more=more))
    assert refused.value.code().name == code
    assert states(server) == {2: "AVAILABLE"}


def test_labels_are_looked_at_before_platforms_of_new_models(base, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    label = 'version_labels { key: "canary" value: 9 }'
    new = config_text(base, "n", platform="other")
    with pytest.raises(grpc.RpcError, match="assign label to version 9"):
        reload(server, new, config_text(base, more=label))


def test_type_must_be_tensorflow(base, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    with pytest.raises(grpc.RpcError, match="choice 2 not supported"):
        reload(server, config_text(base, more="model_type: OTHER", platform=""))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m", "platform was tensorflow and new platform requested is other"),
        ("n", "Model n requests unsupported platform other"),
    ],
)
def test_platform_stays_tensorflow(name, message, base, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    with pytest.raises(grpc.RpcError, match=message):
        reload(server, config_text(base, name, platform="other"))


def test_reload_needs_a_version(base, tmp_path, serving):
    server = serving(ModelConfig("m", base), allow_reload=True)
    with pytest.raises(grpc.RpcError, match="find a version of model n"):
        reload(server, config_text(tmp_path / "none", "n"))
    assert states(server) == {2: "AVAILABLE"}


def test_reload_is_off_unless_asked_for(base, serving):
    server = serving(ModelConfig("m", base))
    with pytest.raises(grpc.RpcError, match="cannot be replaced") as refused:
        reload(server, config_text(base))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_configuration_is_read(tmp_path):
    file = tmp_path / "models.config"
    text = config_text(
        "/models/m",
        more="model_version_policy { latest { num_versions: 2 } } "
        'version_labels { key: "stable" value: 3 }',
    )
    file.write_text(f"model_config_list {{ {text} }}")
    (config,) = read_models_config(file)
    assert (config.name, str(config.base_dir)) == ("m", "/models/m")
    assert config.policy == VersionPolicy.latest(2)
    assert config.labels == {"stable": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list { config { nam: 1 } }", "no field named"),
        ("", "Only ModelConfigList is currently supported"),
        (
            f"model_config_list {{ {config_text('m')} }}",
            "to have an absolute path or URI; got base_path",
        ),
        (
            f"model_config_list {{ {config_text('gs://bucket/m')} }}",
            "must lie in a local directory",
        ),
        (
            f"model_config_list {{ {config_text('/m') * 2} }}",
            "multiple times in config list",
        ),
        (
            f"model_config_list {{ {config_text('/m', 'a/b')} }}",
            "must not be empty nor hold '/'",
        ),
    ],
)
def test_wrong_configuration_is_told(text, message, tmp_path):
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(
        ValueError, match=f"TensorFlow Serving takes.*{message}"
    ):
        read_models_config(file)


def write_config(path, models):
    path.with_suffix(".new").write_text(models_config(models))
    path.with_suffix(".new").rename(path)


def test_changed_configuration_is_taken_over(base, serving, tmp_path):
    file = tmp_path / "models.config"
    old = ModelConfig("m", base, VersionPolicy.specific(1))
    write_config(file, [old])
    server = serving(
        *read_models_config(file),
        config_file=file,
        config_poll_seconds=POLL_SECONDS,
    )
    both = VersionPolicy.specific(1, 2)
    write_config(file, [ModelConfig("m", base, both), ModelConfig("n", base)])
    wait_until(lambda: states(server) == {1: "AVAILABLE", 2: "AVAILABLE"})
    assert states(server, "n") == {2: "AVAILABLE"}
    write_config(file, [ModelConfig("m", base, both, {"stable": 1})])
    with client(server, label="stable") as one:
        wait_until(lambda: version_of(one) == 1)
    with client(server, "n") as one:
        wait_until(lambda: version_of(one) is None)


def version_of(one):
    try:
        return one.metadata().version
    except RequestError:
        return None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense {", "must be one that TensorFlow Serving takes"),
        ("model_config_list { config { name: 'm' surprise: 1 } }", "surprise"),
        (
            "model_config_list { config { name: 'm' base_path: '/m' "
            "model_platform: 'tensorflow' logging_config {} } }",
            "No request-logger-creator provided",
        ),
        (
            "model_config_list { config { name: 'm' base_path: '/nowhere' "
            "model_platform: 'tensorflow' version_labels "
            "{ key: 'stable' value: 9 } } }",
            "assign label to version 9",
        ),
    ],
)
def test_wrong_configuration_leaves_what_is_served(
    text, message, base, serving, tmp_path, caplog
):
    file = tmp_path / "models.config"
    server = serving(
        ModelConfig("m", base),
        config_file=file,
        config_poll_seconds=POLL_SECONDS,
    )
    file.write_text(text)
    wait_until(lambda: message in caplog.text)
    time.sleep(5 * POLL_SECONDS)
    assert caplog.text.count(message) == 1
    with client(server) as one:
        assert one.predict({"x": [1.0]})["y"].tolist() == [2.5]
