"""Examples on real data, small; they need a copy of the data sets."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
SLICES = {
    "youtube_spam": [
        "short_comment",
        "asks_please",
        "check_out",
        "short_link",
        "names_a_person",
        "strong_sentiment",
    ],
    "vg_bikes": [
        "bench",
        "truck",
        "car",
        "bus",
        "person",
        "traffic_light",
        "fire_hydrant",
        "stop_sign",
        "bicycle",
    ],
}


@pytest.mark.parametrize("name", SLICES)
def test_example_goes_the_whole_way(name, tmp_path):
    if not (DATA / name).is_dir():
        pytest.skip(f"the data set {name} is not beside the project")
    output_dir = tmp_path / "out"
    program = ROOT / "examples" / f"{name}.py"
    flags = ["--data-dir", DATA / name, "--output-dir", output_dir]
    done = subprocess.run(
        [sys.executable, program, *flags, "--seeds", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "both equal to the Keras model to 1e-05" in done.stdout
    results = json.loads((output_dir / "results.json").read_text())
    found = [one["name"] for one in results["slices"]]
    assert found == [*SLICES[name], "base"]


@pytest.mark.parametrize("name", SLICES)
def test_example_names_the_data_it_lacks(name, tmp_path):
    program = ROOT / "examples" / f"{name}.py"
    flags = ["--data-dir", tmp_path, "--output-dir", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, program, *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"error: {tmp_path}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_loop_compares_found_slices_with_controls(tmp_path):
    program = ROOT / "examples" / "close_the_loop.py"
    flags = ["--output-dir", tmp_path / "out", "--epochs", "4", "--seeds", "1"]
    done = subprocess.run(
        [sys.executable, program, *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = done.stdout.split("\n\n")[-1].splitlines()
    kinds = ["slices", "----", "none", "found", "random", "the log"]
    assert len(table) == len(kinds)
    assert all(map(str.startswith, table, kinds))
    assert (tmp_path / "out" / "run" / "discovered.json").is_file()
