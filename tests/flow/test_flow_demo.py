"""`slice-tf demo`, as a user types it, with one seed."""

import hashlib
import json
import re
import subprocess
import sys

import pytest

from slice_tf import cli
from slice_tf.evaluation import Results
from slice_tf.report import read_summary, render_page


def demo(directory, *flags):
    command = [sys.executable, "-m", "slice_tf", "demo", "--seeds", "1"]
    return subprocess.run(
        [*command, "--output-dir", str(directory), *flags],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo") / "out"
    return directory, demo(directory)


def test_demo_succeeds_and_prints_results_only(done):
    _, process = done
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("digits: which digit")
    for name in ("faint", "bold", "off_centre", "two_loops", "ambiguous"):
        assert f"\n{name} " in process.stdout
    assert "both equal to the Keras model to 1e-05" in process.stdout


def test_demo_leaves_every_artifact_and_says_where(done):
    directory, process = done
    for name in ("raw", "sliced", "models", "saved_model", "serving"):
        assert any((directory / name).iterdir())
        assert str(directory / name) in process.stdout
    results = Results.load(directory / "results.json")
    names = [one.name for one in results.slices]
    assert names[-2:] == ["scanner_b", "base"]
    summary = read_summary(
        directory / "sliced" / "test" / "summary.json", results.schema
    )
    page = (directory / "report.html").read_text()
    assert page == render_page(results, summary)
    version = directory / "serving" / "1"
    assert (version / "saved_model.pb").is_file()
    assert (version / "assets" / "slices.json").is_file()
    warmup = version / "assets.extra" / "tf_serving_warmup_requests"
    assert warmup.is_file()


def membership_bytes(directory):
    shards = sorted(directory.glob("sliced/*/*.tfrecord"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in shards]


def test_same_seed_gives_the_same_bytes_and_metrics(done, tmp_path):
    directory, _ = done
    again = demo(tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert membership_bytes(tmp_path / "again") == membership_bytes(directory)
    first, second = (
        json.loads((where / "results.json").read_text())["slices"]
        for where in (directory, tmp_path / "again")
    )
    assert first == second


def test_demo_never_overwrites_what_is_not_its_own(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    flags = ["--output-dir", str(tmp_path), "--overwrite"]
    assert cli.main(["demo", *flags]) == 2
    message = "must be new or empty.*Received: output_dir="
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert re.search(message, capsys.readouterr().err)


def test_synthetic_demo_draws_figure_1(tmp_path):
    done = demo(tmp_path / "out", "--data", "synthetic")
    assert done.returncode == 0, done.stderr
    for suffix in ("svg", "png"):
        assert (tmp_path / "out" / f"figure1.{suffix}").stat().st_size > 10_000
