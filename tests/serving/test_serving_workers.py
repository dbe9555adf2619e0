"""Several processes at the same ports."""

import os
import shutil
import signal
import socket
import threading
import time

import pytest

from exported_task import assert_same, made
from slice_tf_serving import Client
from slice_tf_serving.client import RequestError
from slice_tf_serving.deployment import CanaryWalk
from slice_tf_serving.deployment.canary import canary_plan, step_file
from slice_tf_serving.metrics import added
from slice_tf_serving.model_config import ModelConfig, models_config
from slice_tf_serving.shared_files import SharedFiles
from slice_tf_serving.shared_states import SharedStates, VersionState
from slice_tf_serving.workers import Workers

METRICS = "/monitoring/prometheus/metrics"
COUNT = ':tensorflow:serving:request_count{model_name="m",status="OK"}'


@pytest.fixture(scope="module")
def workers(base_dirs, tmp_path_factory):
    base = tmp_path_factory.mktemp("workers")
    shutil.copytree(base_dirs["binary"] / "1", base / "1")
    models, file = [ModelConfig("m", base)], base / "models.config"
    file.write_text(models_config(models))
    with Workers(
        models,
        2,
        poll_seconds=0.1,
        config_file=file,
        config_poll_seconds=0.1,
    ) as running:
        thread = threading.Thread(target=running.wait)
        thread.start()
        yield running
        running.request_stop()
        thread.join()


def until(is_done):
    deadline = time.monotonic() + 60
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def count(workers, raw_call):
    _, body = raw_call(workers.rest_port, "GET", METRICS, b"", {})
    values = [
        line.rpartition(" ")[2]
        for line in body.decode().splitlines()
        if line.startswith(COUNT)
    ]
    return sum(map(int, values))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_workers_answer_and_count_together(scheme, workers, raw_call, url_of):
    # Some worker has seen all; the others may be a second behind.
    before = max(count(workers, raw_call) for _ in range(12))
    one = made("binary")
    for _ in range(8):  # connections; the kernel deals them out
        with Client(url_of(workers, scheme), "m") as client:
            outputs = client.predict(one.inputs("serving_default"))
        assert_same(outputs, one.expected("serving_default"))
    until(lambda: count(workers, raw_call) == before + 8)


def test_every_worker_takes_a_new_version(workers, base_dirs, url_of):
    base = workers._models[0].base_dir
    shutil.copytree(base_dirs["binary"] / "1", base / ".tmp-2")
    (base / ".tmp-2").rename(base / "2")

    def versions():
        found = []
        for _ in range(12):
            with Client(url_of(workers, "http"), "m") as client:
                found.append(client.metadata().version)
        return found

    until(lambda: versions() == [2] * 12)


def test_status_is_that_of_all_workers(workers, url_of):
    directory = workers._arguments["shared_dir"]
    slow = {2: VersionState("LOADING")}
    SharedStates(directory).leave({"m": slow}, {"m": {}})
    for _ in range(4):  # connections
        with Client(url_of(workers, "http"), "m") as client:
            (newest, *_) = client.status()
        assert (newest.version, newest.state) == (2, "LOADING")
    SharedStates(directory).forget(os.getpid())
    with Client(url_of(workers, "grpc"), "m") as client:
        states = {one.version: one.state for one in client.status()}
    assert states == {2: "AVAILABLE", 1: "END"}


def test_step_of_a_plan_is_reached_once_all_workers_are_there(
    workers, url_of, tmp_path
):
    base = workers._models[0].base_dir
    for number, step in enumerate(canary_plan("m", base, 2, 1), 1):
        step_file(tmp_path, number).write_text(step.config)
    url = url_of(workers, "http")
    walk = CanaryWalk(tmp_path, base / "models.config", [url], timeout=60)
    for number in walk.walk(3):
        for _ in range(4):  # connections
            with Client(url, "m", label="stable") as client:
                assert client.metadata().version == 2
            with Client(url, "m", label="canary") as client:
                assert answers(client) == (number == 3)


def answers(client):
    try:
        return client.metadata().version == 1
    except RequestError:
        return False


def test_worker_that_dies_is_replaced_and_the_other_goes_on(workers, url_of):
    before = set(workers.pids)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    one = made("binary")
    inputs = one.inputs("serving_default")

    def is_replaced():
        with Client(url_of(workers, "http"), "m") as client:
            client.predict(inputs)
        return victim not in workers.pids and len(set(workers.pids)) == 2

    until(is_replaced)
    assert len(before & set(workers.pids)) == 1


def test_port_in_use_is_told(base_dirs):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port={port}, error=Address"):
            Workers([ModelConfig("m", base_dirs["binary"])], 2, rest_port=port)


def test_there_must_be_a_worker(base_dirs):
    with pytest.raises(ValueError, match=r"must be positive.*count=0"):
        Workers([ModelConfig("m", base_dirs["binary"])], 0)


def test_workers_take_no_configuration_by_request(base_dirs):
    models = [ModelConfig("m", base_dirs["binary"])]
    with pytest.raises(ValueError, match=r"from a file.*allow_reload=True"):
        Workers(models, 2, allow_reload=True)


def test_metrics_of_processes_are_added_up_by_name_and_labels():
    one = '# HELP a b\n# TYPE a counter\na{x="1 2"} 3\na 0.5\n'
    two = (
        "# HELP a b\n# TYPE a counter\na 1\n# HELP c d\n# TYPE c counter\nc 2\n"
    )
    assert added([one, two]) == (
        '# HELP a b\n# TYPE a counter\na{x="1 2"} 3\na 1.5\n'
        "# HELP c d\n# TYPE c counter\nc 2\n"
    )


def test_processes_read_what_others_have_left(tmp_path):
    shared = SharedFiles(tmp_path, "metrics")
    shared.leave("one")
    SharedFiles(tmp_path, "states").leave("other")
    assert shared.others() == []
    (tmp_path / f"{os.getpid()}.metrics").rename(tmp_path / "1.metrics")
    shared.leave("two")
    assert shared.others() == ["one"]
    shared.forget(1)
    assert shared.others() == []
