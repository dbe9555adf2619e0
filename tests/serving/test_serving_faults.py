"""What breaks around a server, and what it does then."""

import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from exported_task import assert_same, made
from slice_tf_serving import Client, ModelServer
from slice_tf_serving.request_log import LogSettings, RequestLog

SPAWN = multiprocessing.get_context("spawn")


def start_program(base, rest_port=0):
    """Starts `slice-tf serve`; returns the process and its REST URL."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "slice_tf", "serve", "--name", "m"),
            *("--base-dir", str(base), "--grpc-port", "0"),
            *("--rest-port", str(rest_port)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    line = process.stdout.readline()
    return process, line.split("ready: ")[1].split("/v1/")[0]


def test_callers_survive_a_server_that_is_killed_and_started_again(base_dirs):
    one = made("binary")
    inputs = one.inputs("serving_default")
    process, url = start_program(base_dirs["binary"])
    outcomes, stop = [], threading.Event()

    def ask():
        with Client(url, "m", retries=1000, timeout=120) as client:
            while not stop.is_set():
                outcomes.append(client.predict(inputs))

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        wait_until(lambda: len(outcomes) > 50)
        process.kill()
        process.wait()
        before = len(outcomes)
        port = int(url.rpartition(":")[2])
        process.stdout.close()
        process, _ = start_program(base_dirs["binary"], port)
        wait_until(lambda: len(outcomes) > before + 50)
    finally:
        stop.set()
        for caller in callers:
            caller.join()
        process.terminate()
        process.wait()
        process.stdout.close()
    for outputs in outcomes:
        assert_same(outputs, one.expected("serving_default"))


def test_server_survives_callers_that_are_killed(servers, url_of):
    one = made("binary")
    inputs = one.inputs("serving_default")
    for scheme in ("http", "grpc"):
        url = url_of(servers["binary"], scheme)
        caller = SPAWN.Process(target=ask_for_ever, args=(url, inputs))
        caller.start()
        time.sleep(1.0)
        os.kill(caller.pid, signal.SIGKILL)
        caller.join()
        with Client(url, "binary") as client:
            outputs = client.predict(inputs)
        assert_same(outputs, one.expected("serving_default"))


def ask_for_ever(url, inputs):
    with (
        Client(url, "binary", retries=0) as client,
        contextlib.suppress(OSError),
    ):
        while True:
            client.predict(inputs)


def test_full_disk_costs_the_log_and_nothing_else(tmp_path):
    answer = {"y": np.zeros(10_000, "float32")}
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = RequestLog(LogSettings(tmp_path, 1.0, file_records=5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, kept[1]))
    try:
        for _ in range(40):
            log.add(("m", 1, "s"), {}, answer)
            time.sleep(0.002)
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert log.num_dropped > 0
    assert log.num_logged + log.num_dropped == 40
    assert list(tmp_path.glob(".*")) == []


def test_ten_thousand_idle_connections_harm_nobody(base_dirs):
    """Both ends are in this process, so each takes two files."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    count = min(10_000, (files[1] - 400) // 2)
    one, idle = made("binary"), []
    try:
        with ModelServer(base_dirs["binary"], "m") as server:
            for _ in range(count):
                idle.append(
                    socket.create_connection(("127.0.0.1", server.rest_port))
                )
            for scheme, port in (
                ("http", server.rest_port),
                ("grpc", server.grpc_port),
            ):
                with Client(f"{scheme}://127.0.0.1:{port}", "m") as client:
                    outputs = client.predict(one.inputs("serving_default"))
                assert_same(outputs, one.expected("serving_default"))
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


@pytest.mark.parametrize("damage", ["half copied", "corrupt", "no signature"])
def test_bad_version_is_told_and_the_good_one_goes_on(
    damage, base_dirs, tmp_path
):
    base = tmp_path / "base"
    shutil.copytree(base_dirs["binary"] / "1", base / "1")
    bad = tmp_path / "bad"
    shutil.copytree(base / "1", bad)
    if damage == "half copied":
        for path in (bad / "variables").iterdir():
            path.unlink()
    elif damage == "corrupt":
        (path,) = (bad / "variables").glob("*.data-*")
        path.write_bytes(bytes(path.stat().st_size // 2))
    else:
        graph = bad / "saved_model.pb"
        graph.write_bytes(
            graph.read_bytes().replace(b"serving_default", b"serving_defaulx")
        )
    with ModelServer(base, "m", poll_seconds=0.05) as server:
        bad.rename(base / "2")
        with Client(f"http://127.0.0.1:{server.rest_port}", "m") as client:

            def is_told():
                states = {one.version: one for one in client.status()}
                return 2 in states and states[2].state == "END"

            wait_until(is_told)
            states = {one.version: one for one in client.status()}
            assert states[1].state == "AVAILABLE"
            assert states[2].error
            one = made("binary")
            outputs = client.predict(one.inputs("serving_default"))
            assert_same(outputs, one.expected("serving_default"))


def wait_until(is_done):
    deadline = time.monotonic() + 120
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.05)
