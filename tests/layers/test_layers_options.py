"""What the paper leaves open: rank, activation, temperature, dropout."""

import keras
import numpy as np
import pytest

from slice_tf.layers import (
    SliceAttention,
    SliceExperts,
    SliceResidualAttention,
)

Z = np.random.default_rng(0).normal(size=(9, 5)).astype("float32")


def plain(outputs):
    return {key: np.asarray(value) for key, value in outputs.items()}


def test_low_rank_experts_are_experts_with_the_product_as_matrix():
    experts = SliceExperts(3, 6, rank=2)
    r = experts(Z)
    kernel = experts.kernel.numpy()
    for i in range(4):
        matrix = kernel[:, i] @ experts.basis.numpy()
        np.testing.assert_allclose(r[:, i], Z @ matrix, rtol=1e-4, atol=1e-5)


def test_low_rank_experts_start_as_wide_as_full_ones():
    z = np.random.default_rng(1).normal(size=(64, 256)).astype("float32")
    keras.utils.set_random_seed(0)
    full, low = SliceExperts(20, 128)(z), SliceExperts(20, 128, rank=8)(z)
    np.testing.assert_allclose(np.std(low), np.std(full), rtol=0.1)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_low_rank_module_folds(num_classes):
    keras.utils.set_random_seed(0)
    direct = SliceResidualAttention(3, num_classes, 6, rank=2, form="direct")
    expected = plain(direct(Z))
    folded = SliceResidualAttention(3, num_classes, 6, rank=2, form="folded")
    folded.build(Z.shape)
    folded.set_weights(direct.get_weights())
    for layer in (folded, direct.fold()):
        for key, value in plain(layer(Z)).items():
            np.testing.assert_allclose(value, expected[key], atol=1e-5)


def test_activation_is_applied_to_every_expert():
    experts = SliceExperts(3, 6, activation="relu")
    linear = SliceExperts(3, 6)
    linear.build(Z.shape)
    experts.build(Z.shape)
    experts.set_weights(linear.get_weights())
    np.testing.assert_array_equal(
        experts(Z), np.maximum(np.asarray(linear(Z)), 0)
    )


def test_experts_that_are_not_linear_cannot_be_folded():
    layer = SliceResidualAttention(2, 2, 6, activation="relu")
    contributions = layer(Z, explain=True)["contributions"]
    np.testing.assert_allclose(
        np.sum(contributions, axis=1), layer(Z)["logits"], atol=1e-5
    )
    with pytest.raises(ValueError, match=r"must be linear.*activation=relu"):
        layer.fold()
    with pytest.raises(ValueError, match=r"not be \"folded\".*='relu'"):
        SliceResidualAttention(2, 2, 6, activation="relu", form="folded")


def test_temperature_divides_the_scores():
    q = np.array([[2.0, -1.0, 0.0]], "float32")
    p = np.array([[[0.5], [-4.0], [1.0]]], "float32")
    scores = np.exp((q + np.abs(p[..., 0])) / 2.5)
    attention = SliceAttention(temperature=2.5)(q, p)
    np.testing.assert_allclose(attention, scores / scores.sum(), rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf")])
def test_temperature_must_be_positive(temperature):
    message = f"positive and finite.*Received: temperature={temperature}"
    with pytest.raises(ValueError, match=message):
        SliceResidualAttention(2, 2, temperature=temperature)


def test_dropout_hides_features_from_indicators_alone():
    layer = SliceResidualAttention(2, 2, 6, indicator_dropout=0.5)
    still, moving = plain(layer(Z)), plain(layer(Z, training=True))
    again = plain(layer(Z, training=False))
    np.testing.assert_array_equal(again["logits"], still["logits"])
    np.testing.assert_array_equal(
        moving["expert_logits"], still["expert_logits"]
    )
    assert np.any(moving["indicator_logits"] != still["indicator_logits"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"rank": 2, "temperature": 3.0, "indicator_dropout": 0.5},
        {"activation": "relu", "form": "direct"},
    ],
)
def test_revived_layer_keeps_its_options(arguments):
    layer = SliceResidualAttention(3, 4, 6, **arguments)
    expected = layer(Z)
    revived = keras.layers.deserialize(keras.layers.serialize(layer))
    revived.set_weights(layer.get_weights())
    keras.tree.map_structure(
        np.testing.assert_array_equal, revived(Z), expected
    )
    assert revived.get_config() == layer.get_config()
