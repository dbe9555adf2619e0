import shutil
import socket
import threading

import numpy as np
import pytest
import tensorflow as tf

from exported_task import assert_same, made
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.engine import Engine
from slice_tf_serving.limits import Limits


def test_newest_version_is_served(base_dirs, tmp_path):
    for name in ("2", "0010", "not_a_number"):
        shutil.copytree(base_dirs["binary"] / "1", tmp_path / name)
    shutil.copytree(base_dirs["binary"] / "1", tmp_path / ".tmp-99")
    with ModelServer(tmp_path, "m") as server:
        assert server.version == 10


def test_ports_are_free_again_when_it_stops(base_dirs):
    with ModelServer(base_dirs["binary"], "m") as server:
        ports = server.rest_port, server.grpc_port
        assert all(ports)
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
    with ModelServer(base_dirs["binary"], "m", *ports) as again:
        assert (again.rest_port, again.grpc_port) == ports


def test_wait_returns_when_a_stop_is_requested(base_dirs):
    with ModelServer(base_dirs["binary"], "m") as server:
        timer = threading.Timer(0.01, server.request_stop)
        timer.start()
        server.wait()
        timer.join()


def test_stop_may_be_called_twice(base_dirs):
    server = ModelServer(base_dirs["binary"], "m")
    server.start()
    server.stop()
    server.stop()


def test_it_is_started_once(servers):
    with pytest.raises(RuntimeError, match="started once"):
        servers["binary"].start()


@pytest.mark.parametrize("which", ["rest_port", "grpc_port"])
def test_port_in_use_is_told_before_the_model_is_loaded(
    which, base_dirs, servers, monkeypatch
):
    port = getattr(servers["vanilla"], which)
    server = ModelServer(base_dirs["binary"], "m", **{which: port})
    message = f"Received: host=127.0.0.1, port={port}, error=Address already"
    with pytest.raises(OSError, match=message):
        server.start()


def test_unknown_host_is_told(base_dirs):
    server = ModelServer(base_dirs["binary"], "m", host="192.0.2.1")
    with pytest.raises(OSError, match=r"host=192.0.2.1, port=0, error="):
        server.start()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root, export: None, "exists=False. `slice-tf publish`"),
        (
            lambda root, export: shutil.copytree(export, root),
            "It is a SavedModel itself",
        ),
        (
            lambda root, export: shutil.copytree(export, root / "v1"),
            "must hold a version, which is",
        ),
    ],
)
def test_base_directory_must_hold_a_version(make, message, exports, tmp_path):
    make(tmp_path / "base", exports["binary"])
    with pytest.raises(FileNotFoundError, match=message):
        ModelServer(tmp_path / "base", "m").start()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("saved_model.pb", r"readable `saved_model.pb`.*No such file"),
        ("variables/variables.index", "must be whole to be loaded.*variables"),
        ("variables/variables.data-00000-of-00001", "must be whole"),
    ],
)
def test_version_that_is_not_whole_is_not_served(
    name, error, base_dirs, tmp_path
):
    shutil.copytree(base_dirs["binary"] / "1", tmp_path / "1")
    (tmp_path / "1" / name).unlink()
    with pytest.raises(ValueError, match=f"(?s){error}"):
        ModelServer(tmp_path, "m").start()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model_name": ""}, "Received: model_name=''"),
        ({"model_name": "a/b"}, "Received: model_name='a/b'"),
        ({"rest_port": 65536}, "Received: rest_port=65536"),
        ({"grpc_port": -1}, "Received: grpc_port=-1"),
        ({"rest_port": 5, "grpc_port": 5}, "ports of their own"),
    ],
)
def test_arguments_are_checked(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ModelServer(tmp_path, **{"model_name": "m", **arguments})


@pytest.mark.parametrize("name", ["request_bytes", "elements"])
def test_limits_must_be_positive(name):
    with pytest.raises(ValueError, match=f"Received: {name}=0"):
        Limits(**{name: 0})


def test_tables_and_assets_are_loaded(tmp_path):
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("cheap\noffer\n")
    module = tf.Module()
    module.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        1,
    )
    spec = tf.TensorSpec([None], tf.string, "word")
    function = tf.function(lambda word: {"id": module.table.lookup(word)})
    tf.saved_model.save(
        module, str(tmp_path / "m"), function.get_concrete_function(word=spec)
    )
    vocabulary.unlink()
    engine = Engine(tmp_path / "m")
    words = np.array([b"offer", b"cheap", b"new"], object)
    outputs = engine.run("serving_default", {"word": words})
    engine.close()
    assert outputs["id"].tolist() == [1, 0, 2]


def test_many_callers_at_once_get_their_own_answers(servers, url_of):
    one = made("multi_class")
    expected = one.expected("serving_default")
    failures = []

    def ask(row, scheme):
        part = slice(row, row + 1)
        inputs = {name: array[part] for name, array in one.features.items()}
        answer = {name: array[part] for name, array in expected.items()}
        try:
            url = url_of(servers["multi_class"], scheme)
            with Client(url, "multi_class") as client:
                for _ in range(10):
                    assert_same(client.predict(inputs), answer)
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=ask, args=(row, scheme))
        for row in range(5)
        for scheme in ("grpc", "http")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
