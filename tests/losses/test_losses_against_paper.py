import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import reference
from slice_tf.losses import DEFAULT, PAPER, Recipe, SliceAwareLoss

NUM_SLICES, BATCH = 3, 8
RATES = np.array([0.5, 0.1, 0.02])


def outputs_of(num_logits, learned_base):
    rng = np.random.default_rng(0)
    shapes = {
        "logits": (BATCH, num_logits),
        "indicator_logits": (BATCH, NUM_SLICES),
        "expert_logits": (BATCH, NUM_SLICES + 1, num_logits),
    }
    if learned_base:
        shapes["base_indicator_logits"] = (BATCH, 1)
    return {
        key: tf.Variable(rng.normal(size=shape), dtype="float32")
        for key, shape in shapes.items()
    }


def targets_of(num_classes):
    rng = np.random.default_rng(1)
    labels = rng.integers(num_classes, size=BATCH)
    membership = rng.integers(2, size=(BATCH, NUM_SLICES)).astype("float32")
    membership[0] = 0  # An example of no slice.
    return labels, membership


def parts_of(loss, outputs, labels, membership, known=None):
    known = np.ones_like(membership) if known is None else known
    parts = loss(
        outputs,
        tf.constant(labels),
        tf.constant(membership),
        tf.constant(known),
    )
    return np.stack([np.array(parts[key]) for key in sorted(parts)], axis=-1)


def reference_parts(outputs, labels, membership, one):
    values = {key: value.numpy() for key, value in outputs.items()}
    rows = []
    for i in range(BATCH):
        q_base = values.get("base_indicator_logits", np.zeros((BATCH, 1)))[i]
        q = np.append(values["indicator_logits"][i], q_base)
        base, indicator, expert = one(
            q,
            values["expert_logits"][i],
            values["logits"][i],
            membership[i],
            labels[i],
        )
        rows.append([base, expert, indicator])
    return np.array(rows)


@pytest.mark.parametrize("num_classes", [2, 4])
def test_recipe_paper_is_the_paper(num_classes):
    labels, membership = targets_of(num_classes)
    outputs = outputs_of(1 if num_classes == 2 else num_classes, True)
    parts = parts_of(
        SliceAwareLoss(PAPER, NUM_SLICES, RATES), outputs, labels, membership
    )
    expected = reference_parts(
        outputs, labels, membership, reference.paper_losses
    )
    np.testing.assert_allclose(parts, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize(
    ("recipe", "power"), [(DEFAULT, 0.0), (Recipe(expert_rate_power=0.5), 0.5)]
)
def test_offline_rates_balance_indicators_and_experts(
    num_classes, recipe, power
):
    labels, membership = targets_of(num_classes)
    outputs = outputs_of(1 if num_classes == 2 else num_classes, False)
    parts = parts_of(
        SliceAwareLoss(recipe, NUM_SLICES, RATES), outputs, labels, membership
    )

    def one(*arguments):
        return reference.default_losses(*arguments, rates=RATES, power=power)

    expected = reference_parts(outputs, labels, membership, one)
    np.testing.assert_allclose(parts, expected, rtol=1e-5, atol=1e-6)


def test_without_rates_slices_weigh_as_they_are():
    labels, membership = targets_of(2)
    outputs = outputs_of(1, False)
    parts = parts_of(
        SliceAwareLoss(DEFAULT, NUM_SLICES), outputs, labels, membership
    )

    def one(q, p, logits, members, label):
        base, indicator, expert = reference.paper_losses(
            q, p, logits, members, label
        )
        indicator -= reference.binary_ce(q[-1], 1)  # The base's is fixed.
        return (5 if any(members) else 1) * base, indicator, expert

    expected = reference_parts(outputs, labels, membership, one)
    np.testing.assert_allclose(parts, expected, rtol=1e-5, atol=1e-6)


def test_weights_scale_their_parts_alone():
    labels, membership = targets_of(2)
    outputs = outputs_of(1, False)
    plain, weighted = (
        parts_of(SliceAwareLoss(one, NUM_SLICES), outputs, labels, membership)
        for one in (DEFAULT, Recipe(indicator_weight=0.5, expert_weight=3.0))
    )
    # Columns are base, expert and indicator.
    np.testing.assert_allclose(weighted, plain * [1, 3, 0.5], rtol=1e-6)


def test_free_base_indicator_has_no_loss_of_its_own():
    labels, membership = targets_of(2)
    outputs = outputs_of(1, True)
    learned, free = (
        parts_of(SliceAwareLoss(one, NUM_SLICES), outputs, labels, membership)
        for one in (PAPER, dataclasses.replace(PAPER, base_indicator="free"))
    )
    q_base = outputs["base_indicator_logits"].numpy()[:, 0]
    own = [reference.binary_ce(one, 1) for one in q_base]
    np.testing.assert_allclose(learned[:, 2] - free[:, 2], own, atol=1e-5)
    np.testing.assert_array_equal(learned[:, :2], free[:, :2])


def gradients_of(loss, outputs, labels, membership, known):
    with tf.GradientTape() as tape:
        parts = loss(
            outputs,
            tf.constant(labels),
            tf.constant(membership * known),
            tf.constant(known),
        )
        total = tf.add_n(list(parts.values()))
    return tape.gradient(total, outputs)


def test_what_is_not_known_has_no_gradient():
    labels, membership = targets_of(2)
    known = np.ones_like(membership)
    known[:, 1] = 0
    gradients = gradients_of(
        SliceAwareLoss(DEFAULT, NUM_SLICES, RATES),
        outputs_of(1, False),
        labels,
        membership,
        known,
    )
    for key in ("indicator_logits", "expert_logits"):
        np.testing.assert_array_equal(
            gradients[key][:, 1], np.zeros_like(gradients[key][:, 1])
        )
        assert np.any(gradients[key][:, 0] != 0)


def test_monitored_slice_trains_its_indicator_alone():
    labels = np.array([1])
    outputs = {key: value[:1] for key, value in outputs_of(1, False).items()}
    in_monitored = np.array([[0, 1, 0]], "float32")
    loss = SliceAwareLoss(DEFAULT, NUM_SLICES, monitor_only=(1,))
    parts = loss(
        outputs,
        tf.constant(labels),
        tf.constant(in_monitored),
        tf.ones((1, NUM_SLICES)),
    )
    logit = float(outputs["logits"][0, 0])
    base_expert = float(outputs["expert_logits"][0, -1, 0])
    indicators = np.array(outputs["indicator_logits"])[0]
    expected = {
        "base_loss": reference.binary_ce(logit, 1),
        "expert_loss": reference.binary_ce(base_expert, 1),
        "indicator_loss": sum(
            reference.binary_ce(q, i == 1) for i, q in enumerate(indicators)
        ),
    }
    for key, value in expected.items():
        np.testing.assert_allclose(parts[key], [value], rtol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_slice_of_nobody_or_everybody_gives_finite_losses(rate):
    labels, membership = targets_of(2)
    loss = SliceAwareLoss(DEFAULT, NUM_SLICES, [rate] * NUM_SLICES)
    parts = parts_of(loss, outputs_of(1, False), labels, membership)
    assert np.isfinite(parts).all()
    assert np.isfinite(loss.indicator_offsets).all()


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([0.1], r"one number a slice.*shape=\(1,\), slices=3"),
        ([0.1, 1.5, 0.0], "from 0 to 1.*1.5"),
        ([0.1, float("nan"), 0.0], "from 0 to 1.*nan"),
    ],
)
def test_rates_must_be_one_share_a_slice(rates, message):
    with pytest.raises(ValueError, match=message):
        SliceAwareLoss(DEFAULT, NUM_SLICES, rates)
