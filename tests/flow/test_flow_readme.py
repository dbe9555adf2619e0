"""The README's code runs as it stands, in an empty directory."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from documented import ROOT, blocks_of
from slice_tf.demo import digits

BLOCKS = blocks_of("README.md")
BIN = pathlib.Path(sys.executable).parent


PAGES = sorted(
    path
    for place in (".", "beam_jobs", "serving", "docs", "docs/*")
    for path in ROOT.glob(f"{place}/*.md")
)


def run(command, directory):
    """Runs a command; what it leaves in the background ends with it."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    output = directory / "output.txt", directory / "errors.txt"
    with output[0].open("w") as stdout, output[1].open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PATH": path},
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            process.wait(timeout=300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    texts = [file.read_text() for file in output]
    for file in output:
        file.unlink()
    return subprocess.CompletedProcess(command, process.returncode, *texts)


def test_quick_start_trains_and_saves_a_model(tmp_path):
    for name in ("slices.py", "quick_start.py"):
        (tmp_path / name).write_text(BLOCKS[name], encoding="utf-8")
    done = run([sys.executable, "quick_start.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.keras").is_file()
    assert "accuracy/faint" in done.stdout


def test_quick_start_is_short():
    assert len(BLOCKS["quick_start.py"].splitlines()) <= 27


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_every_stage_runs_alone(tmp_path):
    digits.write(tmp_path / "slice-tf-demo" / "raw")
    script = BLOCKS["stages.sh"]
    for port in ("8500", "8501"):
        script = script.replace(port, free_port())
    done = run(["bash", "-e", "-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(one) for one in done.stdout.splitlines()[-2:]]
    for answer in answers:
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert answer["class_ids"] == np.argmax(answer["probabilities"])
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {
        "train",
        "test",
        "model",
        "results.json",
        "report.html",
        "saved_model",
        "serving",
    }


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_make_lists_the_commands_of_the_readme(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = run(
        ["make", "-f", str(ROOT / "Makefile"), "help"], tmp_path
    ).stdout
    for target in re.findall(r"^make (\w+)$", text, re.MULTILINE):
        assert f"make {target} " in listed


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_that_are_there(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
