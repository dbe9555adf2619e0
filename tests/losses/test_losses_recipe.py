import dataclasses

import pytest

from slice_tf.losses import DEFAULT, PAPER, Recipe, recipe_of


@pytest.mark.parametrize(
    ("choice", "recipe"),
    [
        ("default", DEFAULT),
        ("paper", PAPER),
        (Recipe(member_weight=2.0), Recipe(member_weight=2.0)),
        (dataclasses.asdict(PAPER), PAPER),
    ],
)
def test_recipe_is_found_by_name_or_value(choice, recipe):
    assert recipe_of(choice) == recipe


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"default, paper.*recipe='papre'"):
        recipe_of("papre")


def test_steps_are_counted_in_whole_numbers():
    with pytest.raises(TypeError, match=r"integer.*warmup_steps=1\.5"):
        Recipe(warmup_steps=1.5)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="Received: recipe=3"):
        recipe_of(3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"member_weight": 0.0}, "positive and finite.*member_weight=0.0"),
        ({"expert_rate_power": 2.0}, "from 0.*expert_rate_power=2.0"),
        ({"expert_weight": -1.0}, "not be negative.*expert_weight=-1.0"),
        ({"indicator_weight": float("inf")}, "finite.*indicator_weight=inf"),
        ({"warmup_steps": -1}, "not be negative.*warmup_steps=-1"),
        ({"base_indicator": "one"}, "zero, learned, free.*='one'"),
    ],
)
def test_weights_must_make_sense(values, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**values)
