"""A server that is killed while it loads a version, and what is left."""

import contextlib
import hashlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from slice_tf_serving import Client, ModelServer
from slice_tf_serving.dtypes import BY_NAME
from slice_tf_serving.tensors import fill
from slice_tf_serving.warmup import WARMUP_FILE

ROUNDS = 400_000  # The warm-up of a version then takes a while.


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model that counts as far as it is asked to: quick, or slow."""
    path = tmp_path_factory.mktemp("counting") / "m"
    module = tf.Module()
    module.one = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], name="x")])
    def count(x):
        last = tf.reduce_max(x)
        body = (lambda at: at < last), (lambda at: (at + module.one,))
        (end,) = tf.while_loop(*body, [tf.constant(0.0)])
        return {"y": tf.zeros_like(x) + end}

    tf.saved_model.save(module, str(path), signatures=count)
    return path


@pytest.fixture
def base(saved, tmp_path):
    """A good version, and a newer one that takes its time."""
    from tensorflow_serving.apis import prediction_log_pb2

    for version in ("1", "hidden"):
        shutil.copytree(saved, tmp_path / version)
    log = prediction_log_pb2.PredictionLog()
    tensor = log.predict_log.request.inputs["x"]
    array = np.float32([ROUNDS])
    fill(tensor, array, BY_NAME["DT_FLOAT"], content=True)
    file = tmp_path / "hidden" / WARMUP_FILE
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(log.SerializeToString())
    return tmp_path


@contextlib.contextmanager
def serving(base):
    """Runs `slice-tf serve`; yields the process and a client."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "slice_tf", "serve", "--name", "m"),
            *("--base-dir", str(base), "--grpc-port", "0"),
            *("--rest-port", "0", "--poll-seconds", "0.05"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline()
        url = line.split("ready: ")[1].split("/v1/")[0]
        with Client(url, "m") as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def states(client):
    return {one.version: one.state for one in client.status()}


def digests(base):
    return {
        path: hashlib.sha256(path.read_bytes()).digest()
        for path in base.rglob("*")
        if path.is_file()
    }


def answers(client):
    outputs = client.predict({"x": np.float32([3, 1])})
    return outputs["y"].tolist() == [3, 3]


def started_again(base):
    """Starts a server that answers; returns the states of its versions."""
    with (
        ModelServer(base, "m") as server,
        Client(f"http://127.0.0.1:{server.rest_port}", "m") as client,
    ):
        assert answers(client)
        return states(client)


def test_server_that_is_killed_in_a_load_leaves_nothing_behind(base):
    with serving(base) as (process, client):
        (base / "hidden").rename(base / "2")
        before = digests(base)
        while states(client).get(2) != "LOADING":
            time.sleep(0.01)
        assert states(client) == {1: "AVAILABLE", 2: "LOADING"}
        assert answers(client)
        process.kill()
        process.wait()
    assert digests(base) == before
    assert started_again(base) == {2: "AVAILABLE"}


def test_good_version_is_served_where_the_killed_one_had_half_another(base):
    (base / "hidden").rename(base / "2")
    shutil.rmtree(base / "2" / "variables")
    assert started_again(base) == {1: "AVAILABLE", 2: "END"}
