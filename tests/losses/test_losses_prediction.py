import numpy as np
import pytest
import tensorflow as tf

import reference
from slice_tf.losses import (
    DEFAULT,
    SliceAwareLoss,
    base_loss,
    expert_loss,
    prediction_loss,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3)).astype("float32")
LABELS = RNG.integers(2, size=(6, 3))


def test_several_labels_lose_the_mean_of_their_cross_entropies():
    expected = [
        np.mean(
            [reference.binary_ce(q, y) for q, y in zip(row, own, strict=True)]
        )
        for row, own in zip(LOGITS, LABELS, strict=True)
    ]
    losses = prediction_loss(
        tf.constant(LOGITS), tf.constant(LABELS), "multi_label"
    )
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_labels_may_be_probabilities():
    shares = np.full((6, 3), 0.25, "float32")
    certain = [
        prediction_loss(
            tf.constant(LOGITS), tf.fill((6, 3), one), "multi_label"
        )
        for one in (0.0, 1.0)
    ]
    np.testing.assert_allclose(
        prediction_loss(
            tf.constant(LOGITS), tf.constant(shares), "multi_label"
        ),
        0.75 * certain[0] + 0.25 * certain[1],
        rtol=1e-5,
    )


def test_a_number_loses_the_square_of_its_error():
    numbers = tf.constant([[1.5], [-2.0]])
    losses = prediction_loss(tf.constant([[1.0], [1.0]]), numbers, "regression")
    np.testing.assert_allclose(losses, [0.25, 9.0])


@pytest.mark.parametrize("label", [-1.0, 1.5, np.nan])
def test_what_is_no_label_gives_nan(label):
    losses = prediction_loss(
        tf.zeros((2, 2)), tf.constant([[0.0, label], [0.0, 1.0]]), "multi_label"
    )
    np.testing.assert_array_equal(np.isnan(losses), [True, False])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("task", ["multi_label", "regression"])
@pytest.mark.parametrize("logit", [-1e4, 0.0, 1e4])
def test_losses_and_gradients_are_right_far_out_and_at_zero(dtype, task, logit):
    logits = tf.constant([[logit]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = prediction_loss(logits, tf.constant([[1.0]]), task)
    assert loss.dtype == tf.float32
    exact = float(logits[0, 0])
    expected = (
        (np.logaddexp(0, -exact), -1 / (1 + np.exp(min(exact, 700.0))))
        if task == "multi_label"
        else ((exact - 1) ** 2, 2 * (exact - 1))
    )
    tolerance = {"rtol": 1e-2 if dtype == "bfloat16" else 1e-3, "atol": 1e-6}
    np.testing.assert_allclose(loss[0], expected[0], **tolerance)
    gradient = np.float64(tape.gradient(loss, logits)[0, 0])
    np.testing.assert_allclose(gradient, expected[1], **tolerance)


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_every_expert_learns_the_label_of_its_members(task):
    width = 3 if task == "multi_label" else 1
    p = RNG.normal(size=(6, 3, width)).astype("float32")
    labels = tf.constant(LABELS[:, :width], tf.float32)
    membership = RNG.integers(2, size=(6, 2)).astype("float32")
    losses = expert_loss(
        tf.constant(p), labels, tf.constant(membership), task=task
    )
    everyone = np.append(membership, np.ones((6, 1)), axis=1)
    of_slice = [
        np.asarray(prediction_loss(tf.constant(p[:, i]), labels, task))
        for i in range(3)
    ]
    expected = (everyone * np.stack(of_slice, axis=1)).sum(axis=1)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_the_whole_loss_knows_its_task():
    outputs = {
        "logits": tf.constant([[2.0]]),
        "indicator_logits": tf.constant([[0.0]]),
        "expert_logits": tf.constant([[[1.0], [-1.0]]]),
    }
    label, ones = tf.constant([[0.5]]), tf.ones((1, 1))
    parts = SliceAwareLoss(DEFAULT, 1, task="regression")(
        outputs, label, ones, ones
    )
    np.testing.assert_allclose(parts["base_loss"], [5 * 1.5**2])
    np.testing.assert_allclose(parts["expert_loss"], [0.5**2 + 1.5**2])
    plain = base_loss(outputs["logits"], label, ones, task="regression")
    np.testing.assert_allclose(plain, [1.5**2])
