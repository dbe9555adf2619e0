"""Input at the edge: it is refused by name, or harms nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.layers import SliceResidualAttention
from slice_tf.losses import DEFAULT, SliceAwareLoss
from slice_tf.models import SliceAwareModel
from slice_tf.schema import SliceSchema
from sliced_task import FEATURES, SCHEMA, TARGETS, made, mlp


def plain(outputs):
    return {key: np.asarray(value) for key, value in outputs.items()}


@pytest.mark.parametrize("value", [2.0, -1.0, 0.5, np.nan])
def test_membership_must_be_zero_or_one(value):
    membership = TARGETS["membership"].copy()
    membership[5, 1] = value
    message = rf"must be 0 or 1.*membership\[5, 1\]={value}"
    with pytest.raises(ValueError, match=message):
        made(2).fit(FEATURES, {**TARGETS, "membership": membership}, verbose=0)


@pytest.mark.parametrize("value", [2, -1])
def test_label_must_be_of_a_class_that_there_is(value):
    label = np.array(TARGETS["label"], "int64")
    label[5] = value
    message = rf"from 0 to 1.*label\[5\]={value}, .*num_classes=2"
    with pytest.raises(ValueError, match=message):
        made(2).fit(FEATURES, {**TARGETS, "label": label}, verbose=0)


@pytest.mark.parametrize("value", [2.0, np.nan])
def test_each_label_of_several_must_apply_or_not(value):
    label = np.zeros((64, 3))
    label[5, 2] = value
    model = SliceAwareModel(mlp(), SCHEMA, 3, task="multi_label")
    model.compile("adam")
    message = rf"from 0 to 1.*label\[5, 2\]={value}, task=multi_label"
    with pytest.raises(ValueError, match=message):
        model.fit(FEATURES, {**TARGETS, "label": label}, verbose=0)


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_slice_without_members_is_named_and_harms_nothing(recipe):
    membership = TARGETS["membership"] * [0.0, 1.0]
    model = made(2, recipe=recipe, rates=membership.mean(axis=0))
    targets = {**TARGETS, "membership": membership}
    with pytest.warns(UserWarning, match="without members.*: small$"):
        history = model.fit(FEATURES, targets, epochs=3, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.isnan(history["accuracy/small"]).all()
    outputs = plain(model(FEATURES))
    assert all(np.isfinite(value).all() for value in outputs.values())


def test_slice_without_members_in_a_batch_has_no_part_in_its_expert_loss():
    model = made(2)
    outputs = model(FEATURES)
    membership = tf.constant(TARGETS["membership"] * [0.0, 1.0], tf.float32)
    loss = SliceAwareLoss(DEFAULT, 2, TARGETS["membership"].mean(axis=0))
    label, known = tf.constant(TARGETS["label"]), tf.ones((64, 2))
    p = outputs["expert_logits"]
    with tf.GradientTape() as tape:
        tape.watch(p)
        parts = loss(outputs, label, membership, known)
    gradient = np.abs(tape.gradient(parts["expert_loss"], p)).sum(axis=(0, 2))
    assert gradient[0] == 0
    assert gradient[1:].min() > 0
    assert all(np.isfinite(part).all() for part in parts.values())


@pytest.mark.parametrize("num_classes", [2, 3])
def test_one_class_alone_is_learned(num_classes):
    model = made(num_classes)
    targets = {**TARGETS, "label": np.zeros(64, "int64")}
    history = model.fit(FEATURES, targets, epochs=20, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["accuracy/base"][-1] == 1.0


@pytest.mark.parametrize(
    "policy", ["float32", "mixed_bfloat16", "mixed_float16"]
)
@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("form", ["direct", "folded"])
def test_extreme_logits_have_finite_losses_and_gradients(
    policy, num_classes, form
):
    layer = SliceResidualAttention(2, num_classes, 1, form=form, dtype=policy)
    layer.build((None, 1))
    layer.set_weights([np.full(w.shape, 100.0) for w in layer.weights])
    layer.indicators.kernel.assign([[1e4, -1e4]])
    layer.slice_head.bias.assign(np.zeros(layer.num_logits))
    layer.experts.bias.assign(np.zeros((3, 1)))
    z = tf.constant([[1.0], [-1.0], [0.0]])
    loss = SliceAwareLoss(DEFAULT, 2, [0.1, 0.2])
    with tf.GradientTape() as tape:
        outputs = layer(z)
        parts = loss(
            outputs,
            tf.constant([0, 1, 1]),
            tf.constant([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
            tf.ones((3, 2)),
        )
        total = tf.add_n([tf.reduce_mean(one) for one in parts.values()])
    variables = [v.value for v in layer.trainable_variables]
    gradients = tape.gradient(total, variables)
    assert np.abs(outputs["expert_logits"]).max() > 9e3
    assert np.abs(outputs["indicator_logits"]).max() > 9e3
    for one in (*plain(outputs).values(), *plain(parts).values(), *gradients):
        assert np.isfinite(np.asarray(one, "float32")).all()


def test_nan_in_one_example_stays_in_that_example():
    model = made(2)
    expected = plain(model(FEATURES))
    x = FEATURES["x"].copy()
    x[7, 2] = np.nan
    for one in (model, model.fold()):
        outputs = plain(one({"x": x}))
        others = np.arange(64) != 7
        assert np.isnan(outputs["logits"][7]).all()
        for key, value in outputs.items():
            np.testing.assert_allclose(
                value[others], expected[key][others], atol=1e-6, err_msg=key
            )


def test_without_slices_it_is_the_base_expert_and_its_head():
    keras.utils.set_random_seed(0)
    model = SliceAwareModel(mlp(), SliceSchema(()), units=5)
    z = np.asarray(model.backbone(FEATURES))
    module = model.module
    r = z @ module.experts.kernel.numpy()[:, 0] + module.experts.bias.numpy()
    kernel, bias = (weight.numpy() for weight in module.head.weights)
    np.testing.assert_allclose(
        model(FEATURES)["logits"], r @ kernel + bias, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(4, 7), (4, 2, 8), (8,)])
def test_representations_of_another_shape_are_refused(shape):
    layer = SliceResidualAttention(2, 2)
    layer.build((None, 8))
    for one in (layer, layer.fold()):
        with pytest.raises(ValueError, match=r"(expected|must be of shape)"):
            one(np.ones(shape, "float32"))


def test_ten_thousand_slices_train_and_predict():
    keras.utils.set_random_seed(0)
    count = 10_000
    schema = SliceSchema.from_names([f"s{i}" for i in range(count)])
    model = SliceAwareModel(mlp(), schema, units=16, slice_rates=[0.1] * count)
    model.compile()
    rng = np.random.default_rng(0)
    membership = (rng.random((64, count)) < 0.1).astype("float32")
    membership[0] = 1.0  # No slice is empty.
    history = model.fit(
        FEATURES, {**TARGETS, "membership": membership}, epochs=2, verbose=0
    ).history
    assert (
        len([key for key in history if key.startswith("accuracy/s")]) == count
    )
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][1] < history["loss"][0]
    logits = model(FEATURES)["logits"]
    np.testing.assert_allclose(
        model.fold()(FEATURES)["logits"], logits, atol=1e-5
    )


def test_schema_and_targets_must_have_the_same_slices():
    targets = {**TARGETS, "membership": np.ones((64, 3), "float32")}
    with pytest.raises(ValueError, match=r"paired by position.*slices=2"):
        made(2, schema=SCHEMA).fit(FEATURES, targets, verbose=0)
