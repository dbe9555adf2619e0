"""The README's code runs as it stands, in an empty directory."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

from slice_tf.demo import digits

ROOT = pathlib.Path(__file__).parent.parent.parent
BLOCK = re.compile(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
BIN = pathlib.Path(sys.executable).parent


def blocks():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return dict(BLOCK.findall(text))


def run(command, directory):
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_quick_start_trains_and_saves_a_model(tmp_path):
    for name in ("slices.py", "quick_start.py"):
        (tmp_path / name).write_text(blocks()[name], encoding="utf-8")
    done = run([sys.executable, "quick_start.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.keras").is_file()
    assert "accuracy/faint" in done.stdout


def test_quick_start_is_short():
    assert len(blocks()["quick_start.py"].splitlines()) <= 27


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_every_stage_runs_alone(tmp_path):
    digits.write(tmp_path / "slice-tf-demo" / "raw")
    script = blocks()["stages.sh"]
    for port in ("8500", "8501"):
        script = script.replace(port, free_port())
    done = run(["bash", "-e", "-m", "-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"predictions"' in done.stdout
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {
        "train",
        "test",
        "model",
        "results.json",
        "saved_model",
        "serving",
    }


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_make_lists_the_commands_of_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = run(["make", "help"], ROOT).stdout
    for target in re.findall(r"^make (\w+)$", text, re.MULTILINE):
        assert f"make {target} " in listed
