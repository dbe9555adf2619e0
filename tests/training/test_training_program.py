"""The `train` program, in this process, on real sliced records."""

import dataclasses
import json
import pathlib
import socket
import sys

import keras
import numpy as np
import pytest

from event_files import scalars
from slice_tf.losses import PAPER
from slice_tf.models import VanillaModel
from slice_tf.programs.train import main
from slice_tf.schema import SliceSchema
from slice_tf.training import TrainConfig, load_model_directory
from sliced_task import FEATURES, TARGETS, write_sliced

MODELS = ("model", "again")
BACKBONES = """
import keras


@keras.saving.register_keras_serializable(package="user_backbones")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2.0


def build(spec):
    x = keras.Input(spec.features["x"].shape, name="x")
    return keras.Model({"x": x}, Doubled()(x))


def layer(spec):
    return Doubled()


def interrupted(spec):
    raise KeyboardInterrupt
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tf_config(cluster, kind, index):
    return json.dumps(
        {"cluster": cluster, "task": {"type": kind, "index": index}}
    )


@pytest.fixture
def flags(tmp_path, monkeypatch):
    """Flags that are enough, run where `user_backbones.py` lies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user_backbones.py").write_text(BACKBONES)
    write_sliced(tmp_path / "data")
    return [
        *("--data", "data", "--features", "x=float32:6"),
        *("--output-dir", "model", "--batch-size", "16", "--epochs", "2"),
    ]


def test_it_writes_a_model_and_prints_a_table(flags, tmp_path, capsys):
    write_sliced(tmp_path / "validation", range(40, 64))
    assert main([*flags, "--validation", "validation"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "slice",
        "examples",
        "accuracy",
        "(validation",
        "data)",
    ]
    assert [line.split()[:1] for line in lines[1:]] == [
        ["small"],
        ["large"],
        ["base"],
        ["model:"],
    ]
    assert lines[3].split()[1] == "24"
    model, spec, schema = load_model_directory("model")
    assert schema == SliceSchema.load("data")
    assert list(spec.features) == ["x"]
    assert model.predict(FEATURES, verbose=0)["logits"].shape == (64, 1)
    history = json.loads((tmp_path / "model/training.json").read_text())
    assert len(history["history"]["val_loss"]) == 2


def test_same_flags_write_the_same_weights(flags):
    weights = []
    for name in ("first", "second"):
        main([*flags, "--output-dir", name, "--seed", "5"])
        weights.append(load_model_directory(name)[0].get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_flags_reach_the_model(flags):
    more = ["--set", "recipe.indicator_weight=0.1", "--recipe", "paper"]
    more += ["--expert-units", "3", "--precision", "mixed_bfloat16"]
    main([*flags, *more, "--units", "5,4"])
    assert keras.config.dtype_policy().name == "float32"
    model, _, _ = load_model_directory("model")
    assert model.recipe == dataclasses.replace(PAPER, indicator_weight=0.1)
    told = json.loads(pathlib.Path("model/training.json").read_text())["flags"]
    assert told["recipe.indicator_weight"] == 0.1
    assert model.module.experts.kernel.shape == (4, 3, 3)
    assert model.module.experts.compute_dtype == "bfloat16"


def test_vanilla_method_trains_the_baseline(flags):
    main([*flags, "--method", "vanilla"])
    assert type(load_model_directory("model")[0]) is VanillaModel


def test_over_sampling_reaches_training_and_not_what_is_scored(flags, capsys):
    main([*flags, "--oversample", "small=3", "class:1=2", "--seed", "4"])
    table = capsys.readouterr().out.splitlines()
    model, _, _ = load_model_directory("model")
    membership, label = TARGETS["membership"], TARGETS["label"]
    copies = np.maximum(1 + 2 * membership[:, 0], 1 + label).astype(int)
    shown = np.repeat(membership, copies, axis=0).mean(axis=0)
    np.testing.assert_allclose(model.slice_rates, shown, rtol=1e-6)
    assert [line.split()[1] for line in table[1:4]] == [
        *(str(int(size)) for size in membership.sum(axis=0)),
        "64",
    ]


def test_weights_leave_rates_as_they_are(flags):
    main([*flags, "--oversample", "small=3", "--reweigh"])
    model, _, _ = load_model_directory("model")
    rates = TARGETS["membership"].mean(axis=0)
    np.testing.assert_allclose(model.slice_rates, rates, rtol=1e-6)


def test_backbone_of_the_user_is_built_from_the_spec(flags):
    main([*flags, "--backbone", "user_backbones:build"])
    model, _, _ = load_model_directory("model")
    assert model.backbone.layers[-1].name.startswith("doubled")


def test_interrupt_leaves_nothing(flags, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        main([*flags, "--backbone", "user_backbones:interrupted"])
    after = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert after == {path.name for path in before}


ERRORS = {
    "full output": (["--output-dir", "data"], "must be new or empty"),
    "no data": (["--data", "none"], "Received: data=none"),
    "wrong feature": (["--features", "y=float32"], "feature='y'"),
    "text": (["--features", "x=string:6"], "dtype=float32.*expected"),
    "no function": (
        ["--backbone", "user_backbones:biuld"],
        "must have a function of that name.*user_backbones:biuld",
    ),
    "no module": (["--backbone", "nowhere:build"], "must be importable"),
    "no slice": (
        ["--set", "keep.best=accuracy/smal"],
        r"keep\.best=accuracy/smal\. Did you mean accuracy/small\?",
    ),
    "not scored": (
        ["--set", "keep.patience=2"],
        "metric=val_loss, and no --validation",
    ),
}


@pytest.mark.parametrize(("more", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_work_is_refused(flags, more, message):
    with pytest.raises((ValueError, OSError), match=message):
        main([*flags, *more])


def test_backbone_must_be_a_model(flags):
    with pytest.raises(TypeError, match=r"keras\.Model.*type=Doubled"):
        main([*flags, "--backbone", "user_backbones:layer"])


def test_data_without_examples_is_refused(flags, tmp_path):
    write_sliced(tmp_path / "empty", [])
    with pytest.raises(ValueError, match="at least one example"):
        main([*flags, "--data", "empty"])


@pytest.mark.parametrize(
    "more",
    [
        ["--units", "8,0"],
        ["--seed", "-1"],
        ["--learning-rate", "nan"],
        ["--recipe", "papre"],
        ["--backbone", "bert"],
        ["--epoch", "3"],
        ["--set", "loop.epoch=3"],
        ["--set", "loop.epochs=0"],
        ["--set", "loop.epochs"],
        ["--set", "recipe.expert_weigth=1"],
        ["--oversample", "small"],
    ],
    ids=lambda more: more[0],
)
def test_malformed_flags_are_usage_errors(flags, more, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*flags, *more])
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    named = more[1].partition("=")[0] if more[0] == "--set" else more[0]
    assert named in lines[0]


def test_a_run_directory_says_how_to_repeat_it_and_goes_on(flags, tmp_path):
    more = ["--run-dir", "run", "--set", "optimizer.schedule=cosine"]
    main([*flags, *more])
    config = TrainConfig.load("run/config.yaml")
    assert config.loop.epochs == 2
    assert config.optimizer.schedule == "cosine"
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert set(run) == {"versions", "data", "validation"}
    log = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2]
    again = [*flags, "--output-dir", "again", "--config", "run/config.yaml"]
    main([*again, "--run-dir", "run"])
    weights = [load_model_directory(n)[0].get_weights() for n in MODELS]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    message = r"loop\.seed=1 \(checkpoint: 0\)"
    with pytest.raises(ValueError, match=message):
        main([*flags, "--output-dir", "c", "--run-dir", "run", "--seed", "1"])
    longer = [*flags, "--output-dir", "c", *more, "--epochs", "3"]
    with pytest.raises(ValueError, match=r"loop\.epochs=3 \(checkpoint: 2\)"):
        main(longer)
    other = ["--run-dir", "run", "--set", "recipe.member_weight=2"]
    with pytest.raises(ValueError, match=r"recipe={'member_weight': 2\.0} \("):
        main([*flags, "--output-dir", "c", *other])
    assert TrainConfig.load("run/config.yaml") == config


def test_an_unreachable_worker_is_named_in_time(flags, monkeypatch):
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    text = tf_config({"worker": addresses}, "worker", 1)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(TimeoutError, match=f"unreachable={addresses[0]}, sec"):
        main([*flags, "--timeout", "1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON.*TF_CONFIG={"),
        ("[]", "must be JSON.*TypeError"),
        ('{"cluster": {}, "task": {}}', "KeyError: 'type'"),
        (tf_config({"worker": ["a"]}, "worker", 0), r"host:port.*\['a'\]"),
        (
            tf_config({"worker": ["a:1"]}, "worker", 1),
            "type=worker, index=1, workers=1",
        ),
        (
            tf_config({"worker": ["a:1"], "ps": ["b:1"]}, "ps", 0),
            "jobs=worker, ps, task type=ps",
        ),
        (
            tf_config({"chief": ["a:1", "b:1"]}, "chief", 0),
            "one of which may be called chief",
        ),
        (tf_config({"worker": ["a:1"]}, "chief", 0), "task type=chief"),
    ],
)
def test_a_malformed_cluster_is_refused(flags, monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        main(flags)


def test_supervising_needs_checkpoints_to_go_on_from(flags):
    with pytest.raises(ValueError, match="needs `--run-dir`"):
        main([*flags, "--supervise", "2"])


def test_tensorboard_gets_all_logs_from_the_command(flags, tmp_path):
    main([*flags, "--tensorboard", "board"])
    history = json.loads((tmp_path / "model/training.json").read_text())
    found = scalars(tmp_path / "board")
    assert found["loss"] == pytest.approx(history["history"]["loss"][-1])


def test_mlflow_that_is_not_installed_is_a_usage_error(
    flags, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SystemExit):
        main([*flags, "--mlflow", "digits"])
    assert "pip install 'slice-tf[mlflow]'" in capsys.readouterr().err
