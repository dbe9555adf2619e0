import numpy as np
import pytest
import tensorflow as tf

from slice_tf.losses import binary_cross_entropy, cross_entropy


@pytest.mark.parametrize(("target", "gradient"), [(1.0, -0.5), (0.0, 0.5)])
def test_gradient_at_logit_zero_is_not_zero(target, gradient):
    logit = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        loss = binary_cross_entropy(logit, target)
    assert float(tape.gradient(loss, logit)) == gradient
    np.testing.assert_allclose(loss, np.log(2), rtol=1e-6)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize("label", [0, 1])
def test_extreme_logits_have_finite_losses_and_gradients(logit, label):
    for row in ([logit], [logit, 0.0, -logit]):
        logits = tf.Variable([row])
        with tf.GradientTape() as tape:
            loss = cross_entropy(logits, tf.constant([label]))
        assert np.isfinite(loss).all()
        assert np.isfinite(tape.gradient(loss, logits)).all()


def test_two_logits_are_the_binary_case():
    logits = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    labels = tf.constant([0, 1, 0, 1, 1, 0])
    np.testing.assert_allclose(
        cross_entropy(tf.constant(logits), labels),
        cross_entropy(tf.constant(logits[:, 1:] - logits[:, :1]), labels),
        rtol=1e-5,
    )


@pytest.mark.parametrize("num_logits", [1, 3])
@pytest.mark.parametrize("label", [-1, 3])
def test_label_that_is_no_class_gives_nan(num_logits, label):
    losses = cross_entropy(tf.zeros((2, num_logits)), tf.constant([label, 1]))
    np.testing.assert_array_equal(np.isnan(losses), [True, False])


def test_half_precision_logits_give_float32_losses():
    losses = cross_entropy(tf.zeros((2, 3), "bfloat16"), tf.constant([0, 1]))
    assert losses.dtype == tf.float32


@pytest.mark.parametrize("num_logits", [1, 3])
def test_float_labels_must_be_probabilities_of_classes(num_logits):
    with pytest.raises(ValueError, match=r"Received: labels=\(4,\), logits"):
        cross_entropy(tf.zeros((4, num_logits)), tf.zeros(4))


@pytest.mark.parametrize("num_logits", [1, 3])
def test_soft_labels_average_the_losses_of_classes(num_logits):
    rng = np.random.default_rng(0)
    num_classes = max(num_logits, 2)
    logits = tf.constant(rng.normal(size=(6, num_logits)), "float32")
    soft = rng.dirichlet(np.ones(num_classes), 6).astype("float32")
    of_class = [
        cross_entropy(logits, tf.fill((6,), one)) for one in range(num_classes)
    ]
    expected = np.sum(soft * np.stack(of_class, axis=-1), axis=-1)
    np.testing.assert_allclose(
        cross_entropy(logits, tf.constant(soft)), expected, rtol=1e-5
    )
