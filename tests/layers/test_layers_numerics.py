import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.layers import (
    SliceAttention,
    SliceIndicators,
    SliceResidualAttention,
    confidence,
)


def test_confidence_of_one_logit_is_its_absolute_value():
    logits = np.array([[-2.0], [0.0], [3.0]], "float32")
    np.testing.assert_array_equal(confidence(tf.constant(logits)), [2, 0, 3])


def test_confidence_of_two_logits_is_the_binary_case():
    logits = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
    np.testing.assert_allclose(
        confidence(tf.constant(logits)),
        np.abs(logits[:, 1] - logits[:, 0]),
        rtol=1e-6,
    )


def test_confidence_of_several_labels_is_the_mean_of_binary_ones():
    logits = np.random.default_rng(0).normal(size=(9, 4, 3)).astype("float32")
    np.testing.assert_allclose(
        confidence(tf.constant(logits), "multi_label"),
        np.abs(logits).mean(axis=-1),
        rtol=1e-6,
    )


def test_a_number_has_no_confidence_however_large():
    logits = tf.constant([[1e4], [-3.0], [0.0]])
    np.testing.assert_array_equal(confidence(logits, "regression"), [0, 0, 0])


def test_attention_to_numbers_does_not_follow_their_size():
    q = tf.constant([[1.0, 0.0]])
    layer = SliceAttention(task="regression")
    small, large = (layer(q, tf.constant([[[p], [1.0]]])) for p in (0.1, 1e4))
    np.testing.assert_array_equal(small, large)


def test_confidence_of_equal_logits_is_zero():
    logits = tf.fill((2, 5), 7.0)
    np.testing.assert_allclose(confidence(logits), [0, 0], atol=1e-6)


@pytest.mark.parametrize("num_logits", [1, 2, 4])
def test_confidence_of_extreme_logits_has_finite_gradients(num_logits):
    logits = tf.constant(
        [[1e4] * num_logits, [-1e4, *[0.0] * (num_logits - 1)]]
    )
    with tf.GradientTape() as tape:
        tape.watch(logits)
        sure = confidence(logits)
    gradient = tape.gradient(sure, logits)
    assert np.isfinite(sure).all()
    assert np.isfinite(gradient).all()


def test_attention_of_extreme_logits_is_finite():
    q = tf.Variable([[1e4, -1e4, 0.0]])
    p = tf.Variable([[[1e4], [-1e4], [0.0]]])
    layer = SliceAttention()
    with tf.GradientTape() as tape:
        attention = layer(q, p)
    gradients = tape.gradient(attention, [q, p])
    assert np.isfinite(attention).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_attention_stays_float32_under_mixed_precision(policy):
    layer = SliceResidualAttention(3, 4, 6, dtype=policy)
    outputs = layer(np.ones((2, 5), "float32"))
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    assert layer.indicators.compute_dtype == "float32"
    assert layer.slice_attention.compute_dtype == "float32"
    assert layer.experts.compute_dtype == policy.removeprefix("mixed_")


def test_attention_of_large_scores_is_exact_under_a_mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = SliceAttention()
    finally:
        keras.config.set_dtype_policy("float32")
    # In bfloat16 both scores would be 30.
    q = np.array([[30.0, 30.1]], "float32")
    attention = layer(q, np.zeros((1, 2, 1), "float32"))
    expected = 1 / (1 + np.exp([0.1, -0.1]))
    np.testing.assert_allclose(attention, [expected], rtol=1e-4)


def test_zero_base_indicator_leaves_no_weight_to_grow():
    layer = SliceIndicators(2)
    logits = layer(np.ones((3, 4), "float32"))
    assert [tuple(w.shape) for w in layer.weights] == [(4, 2), (2,)]
    np.testing.assert_array_equal(logits[:, -1], np.zeros(3))
