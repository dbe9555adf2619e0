"""Two worker processes on loopback, one of which is killed."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

from slice_tf.programs.train import main
from slice_tf.training import load_model_directory
from sliced_task import write_sliced
from training.worker_program import run

TESTS = pathlib.Path(__file__).parent.parent


WORKERS = (("worker", 0), ("worker", 1))
VERTEX = (("chief", 0), ("worker", 0))


def start(data, checkpoints, tasks=WORKERS, steps_to_die_at=(None, None)):
    """Starts two workers and returns their exit statuses and results."""
    cluster = {kind: [] for kind, _ in tasks}
    for kind, _ in tasks:
        cluster[kind].append(f"127.0.0.1:{free_port()}")
    workers = []
    for (kind, index), step in zip(tasks, steps_to_die_at, strict=True):
        config = {"cluster": cluster, "task": {"type": kind, "index": index}}
        program = TESTS / "training" / "worker_program.py"
        arguments = [
            str(data),
            str(checkpoints),
            *([str(step)] if step else []),
        ]
        workers.append(
            subprocess.Popen(
                [sys.executable, str(program), *arguments],
                env={
                    **os.environ,
                    "PYTHONPATH": str(TESTS),
                    "TF_CONFIG": json.dumps(config),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    ends = [one.communicate(timeout=170) for one in workers]
    return [one.returncode for one in workers], ends


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def results(started):
    statuses, ends = started
    assert statuses == [0, 0], ends[0][1][-2000:] + ends[1][1][-2000:]
    return [json.loads(out) for out, _ in ends]


@pytest.mark.slow
def test_two_workers_follow_one_and_survive_a_kill(tmp_path):
    data = write_sliced(tmp_path / "data", range(61))
    alone = run(data, tmp_path / "alone")
    first, second = results(start(data, tmp_path / "two", VERTEX))
    assert first == second
    assert set(first["history"]) == set(alone["history"])
    for key, values in first["history"].items():
        np.testing.assert_allclose(values, alone["history"][key], atol=1e-4)

    statuses, _ = start(data, tmp_path / "killed", WORKERS, (None, 6))
    assert statuses[1] == -9
    assert statuses[0] != 0  # The survivor ends, too, instead of hanging.
    again, _ = results(start(data, tmp_path / "killed"))
    assert again == first


def test_a_worker_that_leaves_before_tensorflow_starts_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        gone = f"127.0.0.1:{other.getsockname()[1]}"
        addresses = [f"127.0.0.1:{free_port()}", gone]
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": 0},
        }
        program = (
            "from slice_tf.training import choose_strategy; "
            "choose_strategy('multiworker', timeout=4)"
        )
        worker = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "TF_CONFIG": json.dumps(config)},
            stderr=subprocess.PIPE,
            text=True,
        )
        other.accept()[0].close()  # They have met; now it leaves.
    _, said = worker.communicate(timeout=60)
    assert worker.returncode == -9
    message = f"Received: worker=0, unreachable={gone}, seconds=4."
    assert message in said.splitlines()[-1]


# The second worker dies where the first writes its first checkpoint, which
# needs both: the layer's variable is summed over workers when it is read.
DYING = """
import json, os, pathlib, signal
import keras
from slice_tf.training import Checkpoints


@keras.saving.register_keras_serializable(package="dying")
class Seen(keras.layers.Layer):
    def build(self, shape):
        self.seen = keras.Variable(
            0.0, trainable=False, aggregation="sum", synchronization="on_read"
        )

    def call(self, x):
        return x


def die(*_):
    pathlib.Path("died").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def build(spec):
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    if index == 1 and os.path.exists("deadly"):
        os.remove("deadly")
        Checkpoints.save = die
    x = keras.Input((6,), name="x")
    return keras.Model({"x": x}, Seen()(x))
"""


@pytest.mark.slow
def test_a_death_during_a_checkpoint_starts_both_hosts_again(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_sliced(tmp_path / "data", range(61))
    (tmp_path / "dying.py").write_text(DYING)
    said = train_on_two_hosts("whole")
    assert all("starting again" not in one for one in said)
    (tmp_path / "deadly").touch()
    chief, other = train_on_two_hosts("killed")
    assert "is the disk full?" not in chief
    assert "starting again, 1 of 2" in chief  # Its cause depends on timing.
    assert "a worker ended with status -9 (killed by SIGKILL" in other
    sys.path.append(str(tmp_path))
    weights = [
        load_model_directory(name)[0].get_weights()
        for name in ("whole", "killed")
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def train_on_two_hosts(name):
    """Runs a supervisor for each of two workers; returns their stderr."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    command = [
        *(sys.executable, "-m", "slice_tf", "train", "--data", "data"),
        *("--features", "x=float32:6", "--epochs", "2", "--batch-size", "16"),
        *("--backbone", "dying:build", "--output-dir", name),
        *("--run-dir", f"{name}-run", "--supervise", "2"),
    ]
    hosts = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task}
        hosts.append(
            subprocess.Popen(
                command,
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    said = [one.communicate(timeout=170)[1] for one in hosts]
    assert [one.returncode for one in hosts] == [0, 0], said[0][-2000:]
    return said


@pytest.mark.slow
def test_the_command_trains_on_two_workers_as_on_one(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    write_sliced(tmp_path / "data", range(61))
    flags = [
        *("--data", "data", "--features", "x=float32:6", "--epochs", "2"),
        *("--batch-size", "16", "--tensorboard", "board"),
    ]
    assert main([*flags, "--output-dir", "one"]) == 0
    alone = capfd.readouterr().out
    two = ["--output-dir", "two", "--run-dir", "run", "--local-workers", "2"]
    assert main([*flags, *two, "--supervise", "1"]) == 0
    said = capfd.readouterr()
    assert said.out == alone.replace("model: one", "model: two")
    assert "starting again" not in said.err
    assert "cuInit" not in said.err  # No GPU is no failure.
    weights = [load_model_directory(n)[0].get_weights() for n in ("one", "two")]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)
