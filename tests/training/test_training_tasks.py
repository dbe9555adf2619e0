"""Several labels, and a number, from records to a served model."""

import json

import numpy as np
import pytest

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import load_dataset
from slice_tf.evaluation import Results, load_labels
from slice_tf.programs import evaluate, export, gate, report, train
from slice_tf.training import load_model_directory
from sliced_task import FEATURES, SCHEMA, TARGETS, write_sliced

X, MEMBERSHIP = FEATURES["x"], TARGETS["membership"]
LABELS = (X[:, :3] > 0).astype(np.int64)
NUMBERS = X[:, 0] - 2 * X[:, 1]
ANSWERS = {"multi_label": LABELS, "regression": NUMBERS}


@pytest.fixture(scope="module", params=ANSWERS)
def trained(request, tmp_path_factory):
    """A task, and where its data, model and printed table are."""
    root = tmp_path_factory.mktemp(request.param)
    write_sliced(root / "data", labels=ANSWERS[request.param])
    flags = [
        *("--data", str(root / "data"), "--features", "x=float32:6"),
        *("--task", request.param, "--num-classes", "3", "--epochs", "3"),
        *("--batch-size", "16", "--output-dir", str(root / "model")),
        *("--oversample", "small=2", "--reweigh"),
    ]
    assert train.main(flags) == 0
    return request.param, root


def served(root):
    """Returns what a saved model's signature answers to all examples."""
    import tensorflow as tf

    flags = ["--model", str(root / "model"), "--output-dir"]
    if not (root / "saved").exists():
        assert export.main([*flags, str(root / "saved")]) == 0
    loaded = tf.saved_model.load(str(root / "saved"))
    answer = loaded.signatures["serving_default"](x=tf.constant(X))
    return {name: value.numpy() for name, value in answer.items()}


def test_models_are_scored_and_served_as_they_predict(trained):
    task, root = trained
    model, spec, _ = load_model_directory(root / "model")
    assert (model.task, spec.task) == (task, task)
    logits = np.asarray(model.predict(FEATURES, verbose=0)["logits"])
    results = root / "results.json"
    data = ["--model", str(root / "model"), "--data", str(root / "data")]
    flags = [*data, "--output", str(results)]
    inside = MEMBERSHIP[:, 0] > 0
    if task == "regression":
        assert evaluate.main(flags) == 0
        errors = logits[:, 0] - NUMBERS
        (small, _, base) = Results.load(results).slices
        assert (small.size, base.size) == (inside.sum(), 64)
        for one, chosen in ((small, errors[inside]), (base, errors)):
            assert one.metrics["mae"].value == pytest.approx(
                np.abs(chosen).mean(), rel=1e-5
            )
            assert one.metrics["rmse"].value == pytest.approx(
                np.sqrt((chosen**2).mean()), rel=1e-5
            )
        np.testing.assert_allclose(
            served(root)["predictions"], logits[:, 0], rtol=1e-4, atol=1e-5
        )
        return
    for index in range(3):
        assert evaluate.main([*flags, f"--label-index={index}"]) == 0
        right = (logits[:, index] > 0) == LABELS[:, index]
        (small, _, base) = Results.load(results).slices
        found = [one.metrics["accuracy"].value for one in (small, base)]
        assert found == pytest.approx([right[inside].mean(), right.mean()])
    np.testing.assert_allclose(
        served(root)["probabilities"], 1 / (1 + np.exp(-logits)), atol=1e-5
    )


def test_the_table_is_of_what_the_task_measures(trained, capsys):
    task, root = trained
    flags = [
        *("--data", str(root / "data"), "--features", "x=float32:6"),
        *("--task", task, "--num-classes", "3", "--epochs", "1"),
        *("--output-dir", str(root / "again"), "--method", "vanilla"),
    ]
    assert train.main(flags) == 0
    lines = capsys.readouterr().out.splitlines()
    model, _, _ = load_model_directory(root / "again")
    logits = np.asarray(model.predict(FEATURES, verbose=0)["logits"])
    if task == "regression":
        assert lines[0].split()[2] == "rmse"
        error = np.sqrt(np.square(logits[:, 0] - NUMBERS).mean())
        assert float(lines[3].split()[2]) == pytest.approx(error, rel=1e-3)
    else:
        assert lines[0].split()[2] == "accuracy"
        all_right = ((logits > 0) == LABELS).all(axis=1).mean()
        assert lines[3].split()[2] == f"{all_right:.1%}"


@pytest.mark.parametrize("trained", ["regression"], indirect=True)
def test_numbers_are_compared_judged_and_shown(trained, tmp_path, capsys):
    _, root = trained
    model = str(root / "model")
    data = ["--model", model, "--data", str(root / "data")]
    old, new, page = (tmp_path / name for name in ("old", "new", "page.html"))
    assert evaluate.main([*data, "--output", str(old)]) == 0
    asked = ["--baseline", model, "--examples", "3", "--output", str(new)]
    assert evaluate.main([*data, *asked]) == 0
    results = Results.load(new)
    base = results.slices[-1]
    assert (base.comparison.difference.value, results.num_classes) == (0, 0)
    errors = [
        abs(one.prediction - one.label)
        for one in (
            results.examples.examples[i]
            for i in results.examples.errors["base"]
        )
    ]
    assert errors == sorted(errors, reverse=True)
    assert gate.main([str(old), str(new), "--output", str(new)]) == 0
    assert "smallest rise found" in capsys.readouterr().out
    assert report.main([str(new), "--output", str(page)]) == 0
    assert "worse in mean absolute error" in capsys.readouterr().out


@pytest.mark.parametrize("trained", ["regression"], indirect=True)
def test_audits_correct_errors_of_numbers(trained, tmp_path, capsys):
    _, root = trained
    audit = {"found": 45, "found_of": 50, "missed": 1, "missed_of": 50}
    (tmp_path / "audits.json").write_text(json.dumps({"large": audit}))
    flags = [
        *("--model", str(root / "model"), "--data", str(root / "data")),
        *("--output", str(tmp_path / "results.json")),
        *("--audit", str(tmp_path / "audits.json")),
    ]
    assert evaluate.main(flags) == 0
    assert "audited rmse [95 %]" in capsys.readouterr().out
    assert (
        Results.load(tmp_path / "results.json")["large"].audited.mae.value > 0
    )


@pytest.mark.parametrize("trained", ["multi_label"], indirect=True)
def test_a_label_is_chosen_among_those_there_are(trained, tmp_path):
    _, root = trained
    flags = [
        *("--model", str(root / "model"), "--data", str(root / "data")),
        *("--output", str(tmp_path / "results.json")),
    ]
    with pytest.raises(ValueError, match="label_index=3, labels=3"):
        evaluate.main([*flags, "--label-index=3"])


@pytest.mark.parametrize("trained", ["multi_label"], indirect=True)
def test_all_labels_are_evaluated_and_judged_at_once(trained, tmp_path, capsys):
    _, root = trained
    model = str(root / "model")
    flags = ["--model", model, "--baseline", model, "--examples=4"]
    flags += ["--data", str(root / "data")]
    new, page = tmp_path / "new", tmp_path / "page.html"
    assert evaluate.main([*flags, f"--output={new}"]) == 0
    assert "label[1]" in capsys.readouterr().out.splitlines()
    results = load_labels(new)
    for index, found in enumerate(results):
        one = tmp_path / f"{index}.json"
        more = [f"--output={one}", f"--label-index={index}"]
        assert evaluate.main([*flags, *more]) == 0
        assert Results.load(one) == found
    assert gate.main([str(new), str(new), f"--output={new}"]) == 0
    assert {one.gate.verdict for one in load_labels(new)} == {"PASS"}
    assert report.main([str(new), f"--output={page}"]) == 0
    with pytest.raises(ValueError, match=r"a directory.*0\.json, labels=3"):
        evaluate.main([*flags, f"--output={tmp_path / '0.json'}"])


@pytest.mark.parametrize(
    ("task", "label", "message"),
    [
        ("multi_label", [0, 2, 1], r"0 or 1 for each label.*label=\[0, 2, 1\]"),
        ("multi_label", [0, 1], "dtype=int64, values=2.*expected values=3"),
        ("regression", float("nan"), "a finite number.*label=nan"),
        ("regression", 1, "dtype=int64, .*expected dtype=float32"),
    ],
)
def test_labels_of_another_task_are_refused(tmp_path, task, label, message):
    labels = [label] * 64
    write_sliced(tmp_path / "data", labels=labels)
    spec = FeatureSpec.parse(["x=float32:6"], "label", 3, task)
    with pytest.raises(ValueError, match=message):
        list(load_dataset(tmp_path / "data", spec, SCHEMA, 16))


@pytest.mark.parametrize("task", ANSWERS)
def test_a_bad_label_is_named_while_data_is_read(tmp_path, task):
    labels = ANSWERS[task].copy()
    labels[40] = 7 if task == "multi_label" else np.inf
    write_sliced(tmp_path / "data", labels=labels)
    spec = FeatureSpec.parse(["x=float32:6"], "label", 3, task)
    with pytest.raises(ValueError, match="record 40: A label must be"):
        list(load_dataset(tmp_path / "data", spec, SCHEMA, 16))


def test_classes_cannot_be_over_sampled_where_there_are_none(tmp_path):
    write_sliced(tmp_path / "data", labels=NUMBERS)
    flags = [
        *("--data", str(tmp_path / "data"), "--features", "x=float32:6"),
        *("--task", "regression", "--oversample", "class:1=2"),
        *("--output-dir", str(tmp_path / "model")),
    ]
    with pytest.raises(ValueError, match="class:1, num_classes=0"):
        train.main(flags)
    assert not (tmp_path / "model").exists()
