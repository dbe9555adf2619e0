import dataclasses
import json

import numpy as np
import pytest

from slice_tf import cli
from slice_tf.evaluation import ModelFacts, Results, evaluate
from slice_tf.report.review import Review
from slice_tf.schema import Slice, SliceSchema

LABELS = np.arange(1_000) % 2
MEMBERSHIP = (np.arange(1_000) < 500)[:, None]
SCHEMA = SliceSchema((Slice("night"),))


@pytest.fixture
def files(tmp_path):
    """Results of a baseline, of one as good, of a worse one, of a tiny set."""
    good = np.eye(2)[LABELS]
    worse = np.eye(2)[np.where(np.arange(1_000) < 50, 1 - LABELS, LABELS)]
    for name, scores in (("old", good), ("same", good), ("worse", worse)):
        before = None if name == "old" else good
        evaluate(
            LABELS, scores, MEMBERSHIP, SCHEMA, baseline_probabilities=before
        ).save(tmp_path / f"{name}.json")
    few = slice(0, 20)
    for name in ("few-old", "few"):
        evaluate(
            LABELS[few],
            good[few],
            MEMBERSHIP[few],
            SCHEMA,
            baseline_probabilities=None if name == "few-old" else good[few],
        ).save(tmp_path / f"{name}.json")
    return tmp_path


def run(files, old, new, *more):
    paths = [str(files / f"{name}.json") for name in (old, new)]
    return cli.main(["gate", *paths, *more])


def test_exit_status_says_pass_fail_usage_or_too_little_data(files, capsys):
    assert run(files, "old", "same") == 0
    assert run(files, "old", "worse") == 1
    assert run(files, "few-old", "few") == 3
    assert run(files, "old", "few") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Only results on the same data can be compared" in error


def test_verdict_is_the_last_line(files, capsys):
    run(files, "old", "worse")
    assert capsys.readouterr().out.splitlines()[-1] == (
        "FAIL: worse in night, base"
    )


def test_accepting_needs_a_reason_each(files, capsys):
    names = ["--accept=night", "--accept=base"]
    reasons = ["--reason=known", "--reason=follows from night"]
    assert run(files, "old", "worse", *names, *reasons) == 0
    assert run(files, "old", "worse", *names, reasons[0]) == 2
    assert "2 accepted, 1 reasons" in capsys.readouterr().err


def test_a_review_accepts_for_the_model_it_was_made_of(files, capsys, caplog):
    review = Review()
    worse = Results.load(files / "worse.json")
    for name in ("night", "base"):
        review.write("accepted", "worse.json", worse, name, f"{name} is known")
    review.save(files)
    flag = f"--review={files / 'review.json'}"
    assert run(files, "old", "worse") == 1
    assert run(files, "old", "worse", flag, f"--markdown={files / 'a'}") == 0
    assert "- `night`: night is known" in (files / "a").read_text()
    again = ["--accept=night", "--reason=as agreed"]
    run(files, "old", "worse", flag, *again, f"--markdown={files / 'a'}")
    assert "- `night`: as agreed" in (files / "a").read_text()
    caplog.set_level("INFO", logger="slice_tf")
    other = Results.load(files / "worse.json")
    model = ModelFacts("another", "0" * 16)
    dataclasses.replace(other, model=model).save(files / "worse.json")
    assert run(files, "old", "worse", flag) == 1
    assert "accepts nothing of this model" in caplog.text
    capsys.readouterr()
    assert run(files, "old", "worse", f"--review={files / 'none.json'}") == 2
    assert "none.json" in capsys.readouterr().err


def test_reports_are_written(files):
    targets = {
        name: files / name for name in ("out.json", "junit.xml", "gate.md")
    }
    flags = ["--output", "--junit", "--markdown"]
    pairs = zip(flags, targets.values(), strict=True)
    more = [f"{flag}={path}" for flag, path in pairs]
    assert run(files, "old", "worse", *more) == 1
    assert Results.load(targets["out.json"]).gate.verdict == "FAIL"
    assert "<testsuite" in targets["junit.xml"].read_text()
    assert targets["gate.md"].read_text().startswith("## Slice gate: FAIL")


def test_an_unpaired_comparison_says_so(files, caplog):
    run(files, "same", "old")
    assert "accuracy is not compared example by example" in caplog.text


@pytest.mark.parametrize("version", [0, 2, 99, None])
def test_results_of_another_format_are_one_line(files, capsys, version):
    values = json.loads((files / "same.json").read_text())
    values["format_version"] = version
    (files / "new.json").write_text(json.dumps(values))
    assert run(files, "old", "new") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"new.json: Results must be of a format.*{version}"[:20] in error
    assert f"format_version={version}" in error


@pytest.mark.parametrize("flag", ["--margin=-1", "--margin=inf", "--margin=x"])
def test_a_margin_is_a_number(files, capsys, flag):
    with pytest.raises(SystemExit) as stop:
        run(files, "old", "same", flag)
    assert stop.value.code == 2
    assert "must be a number of at least 0" in capsys.readouterr().err


def test_a_margin_of_a_rate_is_a_fraction(files, capsys):
    assert run(files, "old", "same", "--margin=2") == 2
    assert "must be a fraction below 1" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["0", "1"])
def test_a_rate_of_nothing_or_all_is_refused(files, capsys, rate):
    with pytest.raises(SystemExit):
        run(files, "old", "same", f"--false-discovery-rate={rate}")
    assert "above 0 and below 1" in capsys.readouterr().err
