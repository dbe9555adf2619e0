import json
import zipfile

import numpy as np
import pytest

from slice_tf.data import FeatureSpec
from slice_tf.models import VanillaModel
from slice_tf.schema import SliceSchema
from slice_tf.training import load_model_directory, save_model_directory
from slice_tf.training.model_directory import FILES, read_training
from sliced_task import FEATURES, SCHEMA, TARGETS, made

SPEC = FeatureSpec.parse(["x=float32:6"], "label", 3)
HISTORY = {"loss": [1.0, 0.5], "accuracy/small": [float("nan"), 0.25]}


def saved(path, model=None, **arguments):
    model = model or made(3)
    save_model_directory(path, model, SPEC, SCHEMA, HISTORY, **arguments)
    return model


def test_loaded_model_predicts_the_same_and_goes_on(tmp_path):
    model = made(3, recipe="paper", units=5)
    model.fit(FEATURES, TARGETS, verbose=0)
    saved(tmp_path / "model", model)
    loaded, spec, schema = load_model_directory(tmp_path / "model")
    assert (spec, schema) == (SPEC, SCHEMA)
    expected = model.predict(FEATURES, verbose=0)
    for key, value in loaded.predict(FEATURES, verbose=0).items():
        np.testing.assert_array_equal(value, expected[key])
    loaded.fit(FEATURES, TARGETS, verbose=0)
    assert int(loaded.optimizer.iterations.numpy()) == 4


def test_vanilla_model_goes_through_too(tmp_path):
    model = VanillaModel(made(3).backbone, 3, SCHEMA)
    model.compile()
    saved(tmp_path / "model", model)
    loaded, _, _ = load_model_directory(tmp_path / "model")
    assert type(loaded) is VanillaModel


def test_record_of_training_is_plain_json(tmp_path):
    saved(tmp_path / "model", flags={"seed": 3})
    training = read_training(tmp_path / "model")
    assert training["flags"] == {"seed": 3}
    assert training["history"] == {
        "loss": [1.0, 0.5],
        "accuracy/small": [None, 0.25],
    }
    assert set(training["versions"]) == {
        "slice_tf",
        "tensorflow",
        "keras",
        "python",
    }
    assert set(FILES) == {p.name for p in (tmp_path / "model").iterdir()}


def test_full_directory_is_never_overwritten(tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(FileExistsError, match="must be new or empty"):
        saved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_empty_directory_is_taken(tmp_path):
    saved(tmp_path / "model")
    (tmp_path / "empty").mkdir()
    saved(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "empty",
        "model",
    ]


def test_failure_leaves_nothing(tmp_path):
    class Stopped(KeyboardInterrupt):
        pass

    class Spec:
        def save(self, directory):
            raise Stopped

    with pytest.raises(Stopped):
        save_model_directory(tmp_path / "m", made(2), Spec(), SCHEMA, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(tmp_path, name):
    saved(tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"missing={name}"):
        load_model_directory(tmp_path / "model")


def test_missing_directory_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"directory=.*none"):
        load_model_directory(tmp_path / "none")


def test_damaged_model_is_named(tmp_path):
    saved(tmp_path / "model")
    (tmp_path / "model" / "model.keras").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"model\.keras"):
        load_model_directory(tmp_path / "model")


def test_the_cause_is_told_without_the_configuration(tmp_path):
    saved(tmp_path / "model")
    file = tmp_path / "model" / "model.keras"
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = members["config.json"].decode()
    config = config.replace('"temperature"', '"of_another_version"')
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**members, "config.json": config}.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"'of_another_version'$") as caught:
        load_model_directory(tmp_path / "model")
    assert len(str(caught.value)) < 400


def test_newer_format_is_refused(tmp_path):
    saved(tmp_path / "model")
    path = tmp_path / "model" / "training.json"
    path.write_text(json.dumps({"format_version": 2}))
    with pytest.raises(ValueError, match="format_version=2"):
        load_model_directory(tmp_path / "model")


def test_slices_of_another_model_are_refused(tmp_path):
    saved(tmp_path / "model")
    SliceSchema.from_names(["large", "small"]).save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"model\.keras has small, large"):
        load_model_directory(tmp_path / "model")
