"""The README's code runs as it stands, in an empty directory."""

import json
import re
import shutil
import sys

import numpy as np
import pytest

from documented import ROOT, blocks_of, free_port, run
from slice_tf.demo import digits

BLOCKS = blocks_of("README.md")


PAGES = sorted(
    path
    for place in (".", "beam_jobs", "serving", "docs", "docs/*")
    for path in ROOT.glob(f"{place}/*.md")
)


def test_quick_start_trains_and_saves_a_model(tmp_path):
    for name in ("slices.py", "quick_start.py"):
        (tmp_path / name).write_text(BLOCKS[name], encoding="utf-8")
    done = run([sys.executable, "quick_start.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.keras").is_file()
    assert "accuracy/faint" in done.stdout


def test_quick_start_is_short():
    assert len(BLOCKS["quick_start.py"].splitlines()) <= 27


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
