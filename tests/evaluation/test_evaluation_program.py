import keras
import numpy as np
import pytest

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import load_dataset
from slice_tf.evaluation import Results, evaluate, to_probabilities
from slice_tf.models import VanillaModel
from slice_tf.programs import evaluate as program
from slice_tf.programs import evaluate_models
from slice_tf.schema import SliceSchema
from slice_tf.training import load_model_directory, save_model_directory
from sliced_task import FEATURES, SCHEMA, TARGETS, made, mlp, write_sliced

SPEC = FeatureSpec.parse(["x=float32:6"])


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Sliced data, a slice-aware model and a vanilla one, not trained."""
    root = tmp_path_factory.mktemp("work")
    write_sliced(root / "data")
    model = made(2)
    model(FEATURES)
    save_model_directory(root / "model", model, SPEC, SCHEMA, {})
    keras.utils.set_random_seed(3)
    vanilla = VanillaModel(mlp(), 2)
    vanilla(FEATURES)
    save_model_directory(root / "vanilla", vanilla, SPEC, SCHEMA, {})
    outputs = model(FEATURES)
    root_results = evaluate(
        TARGETS["label"],
        to_probabilities(outputs["logits"], 2),
        TARGETS["membership"],
        SCHEMA,
        baseline_probabilities=to_probabilities(vanilla(FEATURES)["logits"], 2),
        indicator_logits=outputs["indicator_logits"],
    )
    return root, root_results


def run(root, output, *more, model="model", data="data"):
    return program.main(
        [
            f"--model={root / model}",
            f"--data={root / data}",
            f"--output={output}",
            *more,
        ]
    )


def facts(results):
    """What must agree; probabilities may differ in their last bits."""
    return [
        (
            one.name,
            one.size,
            one.confusion,
            one.comparison and one.comparison.cells,
        )
        for one in results.slices
    ]


@pytest.mark.parametrize("batch_size", [7, 64, 1_000])
def test_results_are_those_of_arrays_in_memory(work, tmp_path, batch_size):
    root, expected = work
    output = tmp_path / "new" / "results.json"
    more = (f"--baseline={root / 'vanilla'}", f"--batch-size={batch_size}")
    assert run(root, output, *more) == 0
    found = Results.load(output)
    assert facts(found) == facts(expected)
    assert found.data.fingerprint == expected.data.fingerprint
    for one, other in zip(found.slices, expected.slices, strict=True):
        assert one.metrics["log_loss"].value == pytest.approx(
            other.metrics["log_loss"].value, abs=1e-5
        )
        assert (one.indicator is None) == (other.indicator is None)


@pytest.mark.parametrize(
    "flags", [("--weight=w", "--cluster=user=string"), ("--weight=n=int64",)]
)
def test_weights_and_clusters_are_features_of_the_data(work, tmp_path, flags):
    root, _ = work
    rng = np.random.default_rng(0)
    columns = {
        "w": rng.random(64).astype("f4"),
        "n": rng.integers(1, 9, 64),
        "user": [f"user {i}" for i in rng.integers(0, 20, 64)],
    }
    write_sliced(tmp_path / "data", **columns)
    output = tmp_path / "r.json"
    more = (*flags, f"--baseline={root / 'vanilla'}", "--batch-size=10")
    assert run(root, output, *more, data=tmp_path / "data") == 0
    found = Results.load(output)
    model, _, _ = load_model_directory(root / "model")
    probabilities = to_probabilities(model(FEATURES)["logits"], 2)
    right = probabilities.argmax(axis=1) == TARGETS["label"]
    weights = columns["w" if "--weight=w" in flags else "n"]
    accuracy = np.average(right, weights=weights)
    base = found.slices[-1]
    assert base.metrics["accuracy"].value == pytest.approx(accuracy, abs=1e-6)
    assert base.comparison.difference.n < 64
    facts = (found.data.weighted, found.data.clustered)
    assert facts == (True, len(flags) == 2)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--cluster=x", "must be one value an example.*feature=x"),
        ("--weight=w", "w"),
    ],
)
def test_weights_that_are_not_there_are_refused(work, tmp_path, flag, message):
    with pytest.raises(ValueError, match=message):
        run(work[0], tmp_path / "r.json", flag)


def test_paths_and_fingerprints_tell_the_models_apart(work, tmp_path):
    root, _ = work
    output = tmp_path / "results.json"
    run(root, output, f"--baseline={root / 'vanilla'}")
    found = Results.load(output)
    assert found.data.path == str(root / "data")
    assert found.model.path == str(root / "model")
    assert found.baseline.path == str(root / "vanilla")
    assert len(found.model.fingerprint) == len(found.baseline.fingerprint) == 16
    assert found.model.fingerprint != found.baseline.fingerprint


def test_table_is_printed_plain_where_there_is_no_terminal(
    work, tmp_path, capsys
):
    root, expected = work
    run(root, tmp_path / "r.json", f"--baseline={root / 'vanilla'}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ") == [
        "slice",
        "size",
        "accuracy, % [95 %]",
        "baseline, % [95 %]",
        "difference, points [95 %]",
        "indicator AUC",
    ]
    assert [line.split()[0] for line in lines[2:5]] == [
        "small",
        "large",
        "base",
    ]
    sizes = [str(one.size) for one in expected.slices]
    assert [line.split()[1] for line in lines[2:5]] == sizes
    assert lines[5] == "* too few to rely on: fewer than 30 examples"


def test_table_is_drawn_on_a_terminal(monkeypatch, capsys):
    from slice_tf.programs.tables import show_table

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show_table(["slice", "%"], [["[night]", "90.0 [87.3, 92.2]"]])
    out = capsys.readouterr().out
    assert "[night]" in out
    assert "90.0 [87.3, 92.2]" in out
    assert "\u2500" in out


def test_a_vanilla_model_needs_no_baseline_and_has_no_indicators(
    work, tmp_path, capsys
):
    root, _ = work
    run(root, tmp_path / "r.json", model="vanilla")
    assert Results.load(tmp_path / "r.json").baseline is None
    assert "indicator" not in capsys.readouterr().out


def test_data_of_other_slices_is_refused_by_name(work, tmp_path):
    root, _ = work
    other = SliceSchema.from_names(["small", "odd"])
    write_sliced(tmp_path / "data", schema=other)
    with pytest.raises(ValueError, match=r"small, odd.*small, large"):
        run(root, tmp_path / "r.json", data=tmp_path / "data")
    assert not (tmp_path / "r.json").exists()


def test_a_baseline_of_another_task_is_refused(work, tmp_path):
    root, _ = work
    spec = FeatureSpec.parse(["x=float32:6"], "target", num_classes=3)
    model = VanillaModel(mlp(), 3)
    model(FEATURES)
    save_model_directory(tmp_path / "other", model, spec, SCHEMA, {})
    message = r"same task.*model=\('label', 2, .*baseline=\('target', 3, "
    with pytest.raises(ValueError, match=message):
        run(root, tmp_path / "r.json", f"--baseline={tmp_path / 'other'}")


def test_a_baseline_may_read_other_features(work):
    ours = FeatureSpec.parse(["x=float32:6"])
    theirs = FeatureSpec.parse(["y=int64", "x=float32:6"])
    assert evaluate_models._join(ours, theirs) == FeatureSpec.parse(
        ["x=float32:6", "y=int64"]
    )
    with pytest.raises(ValueError, match="features that differ=x"):
        evaluate_models._join(ours, FeatureSpec.parse(["x=float32:7"]))


def test_a_model_that_gives_nan_is_refused(work, tmp_path):
    root, _ = work
    model = made(2)
    model(FEATURES)
    model.set_weights([np.nan * weight for weight in model.get_weights()])
    save_model_directory(tmp_path / "nan", model, SPEC, SCHEMA, {})
    with pytest.raises(ValueError, match="`logits` must be finite"):
        run(root, tmp_path / "r.json", model=tmp_path / "nan")


def test_output_must_not_be_a_directory(work, tmp_path):
    with pytest.raises(ValueError, match="must be a file"):
        run(work[0], tmp_path)


def test_flags_are_checked_before_anything_is_loaded(capsys):
    with pytest.raises(SystemExit) as stop:
        program.main(["--model=m", "--data=d", "--output=o", "--bacth-size=1"])
    assert stop.value.code == 2
    assert "Did you mean --batch-size?" in capsys.readouterr().err


def test_batches_are_those_of_the_dataset(work):
    """Guards the program's reading of targets against the contract."""
    batches = load_dataset(work[0] / "data", SPEC, SCHEMA, 64)
    _, targets = next(iter(batches))
    np.testing.assert_array_equal(targets["label"], TARGETS["label"])
    np.testing.assert_array_equal(targets["membership"], TARGETS["membership"])
    np.testing.assert_array_equal(targets["known"], 1.0)


def test_examples_are_kept_only_where_somebody_asks_for_them(work, tmp_path):
    output = tmp_path / "results.json"
    assert run(work[0], output) == 0
    without = Results.load(output)
    assert without.examples is None
    name = next(iter(FEATURES))
    assert (
        run(work[0], output, "--examples=5", f"--example-feature={name}") == 0
    )
    results = Results.load(output)
    sample = results.examples
    assert len(sample.members["base"]) == 5
    assert {tuple(one.features) for one in sample.examples} == {(name,)}
    assert results.slices == without.slices


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--examples=5", "--example-feature=y"], "must come with its type"),
        (["--example-feature=y=string"], "needs `--examples N` beside it"),
    ],
)
def test_examples_that_cannot_be_shown_are_refused(
    work, tmp_path, flags, message
):
    with pytest.raises(ValueError, match=message):
        run(work[0], tmp_path / "results.json", *flags)


def test_predictions_have_no_examples(tmp_path):
    flags = ["--predictions=p", "--examples=5", f"--output={tmp_path / 'r'}"]
    with pytest.raises(ValueError, match="predictions hold no features"):
        program.main(flags)
