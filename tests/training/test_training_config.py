import dataclasses

import pytest

from slice_tf.losses import PAPER, recipe_of
from slice_tf.training.config import TrainConfig, read_setting

GIVEN = {
    "data.train": "sliced",
    "data.features": ["x=float32:6", "y=int64"],
    "model.units": [8, 4],
    "model.expert_units": 3,
    "recipe.member_weight": 2,
    "optimizer.learning_rate": "1e-2",  # YAML 1.1 reads this as text.
    "loop.jit_compile": True,
    "keep.best": "val_accuracy/small",
}


def test_a_file_gives_back_what_was_saved(tmp_path):
    config = TrainConfig.from_flat(GIVEN)
    config.save(tmp_path / "config.yaml")
    loaded = TrainConfig.load(tmp_path / "config.yaml")
    assert loaded == config != TrainConfig()
    assert loaded.optimizer.learning_rate == 0.01
    assert loaded.model.units == (8, 4)
    assert loaded.recipe == {"member_weight": 2.0}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loop.epoch", 3, r"key=loop\.epoch\. Did you mean loop\.epochs\?"),
        ("loop.epochs", 0, r"must be 1 or more.*loop\.epochs=0"),
        ("loop.precision", "bfloat16", r"Did you mean mixed_bfloat16\?"),
        ("optimizer.learning_rate", -1.0, "must be a positive number"),
        ("model.units", [8, 0], "must be 1 or more"),
        ("recipe.expert_weigth", 1, r"mean recipe\.expert_weight\?"),
        ("model.recipe.temperature", 1, r"mean recipe\.temperature\?"),
        ("recipe.expert_weight", -1, r"Received: expert_weight=-1"),
    ],
)
def test_what_is_no_setting_is_refused(key, value, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig.from_flat({key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loop.epochs", "3"),
        ("loop.epochs", True),
        ("loop.jit_compile", 1),
        ("model.units", "8"),
        ("optimizer.learning_rate", "fast"),
        ("recipe.balance_indicators", "no"),
    ],
)
def test_another_type_is_refused(key, value):
    with pytest.raises(TypeError, match=f"Received: {key}={value!r}"):
        TrainConfig.from_flat({key: value})


def test_a_recipe_is_the_named_one_but_for_what_is_set():
    given = {"model.recipe": "paper", "recipe.indicator_weight": 0.1}
    recipe = TrainConfig.from_flat(given).make_recipe()
    assert recipe == dataclasses.replace(PAPER, indicator_weight=0.1)
    assert TrainConfig().make_recipe() == recipe_of("default")


def test_settings_are_yaml():
    assert read_setting("model.units=[8, 4]") == ("model.units", [8, 4])
    assert read_setting("keep.best=null") == ("keep.best", None)
    for text in ("loop.epochs", "a.b=["):
        with pytest.raises(ValueError, match=r"section\.key=value"):
            read_setting(text)


@pytest.mark.parametrize("text", ["loop: 3", "- 1", "loop: ["])
def test_a_file_that_is_no_config_is_named(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"file={path}"):
        TrainConfig.load(path)
