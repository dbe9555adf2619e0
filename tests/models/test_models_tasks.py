"""Several labels, and numbers, instead of one class."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.models import SliceAwareModel, VanillaModel, add_slices
from slice_tf.models.baselines.group_dro import GroupDROModel
from slice_tf.models.baselines.hard_parameter_sharing import (
    HardParameterSharingModel,
)
from slice_tf.schema import Slice, SliceSchema
from slice_tf.training import KeepBest, StopEarly, train
from slice_tf.training.batches import DatasetBatches
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp

RATES = TARGETS["membership"].mean(axis=0)
X = FEATURES["x"]
LABELS = {
    "multi_label": (X[:, :3] > 0).astype("int64"),
    "regression": X[:, 0] - 2 * X[:, 1],
}
WIDTHS = {"multi_label": 3, "regression": 1}
METRICS = {"multi_label": "accuracy", "regression": "rmse"}
TASKS = list(LABELS)


def targets_of(task):
    return {**TARGETS, "label": LABELS[task]}


def made(task, model=SliceAwareModel, **arguments):
    keras.utils.set_random_seed(0)
    classes = 3 if task == "multi_label" else None
    if model is VanillaModel:
        made = model(mlp(), classes, SCHEMA, task=task)
    else:
        made = model(
            mlp(), SCHEMA, classes, task=task, slice_rates=RATES, **arguments
        )
    made.compile(keras.optimizers.Adam(1e-2))
    return made


def plain(outputs):
    return {key: np.asarray(value) for key, value in outputs.items()}


@pytest.mark.parametrize("model", [SliceAwareModel, VanillaModel])
@pytest.mark.parametrize("task", TASKS)
def test_fit_learns_and_logs_a_number_a_slice(task, model):
    trained = made(task, model)
    history = trained.fit(
        FEATURES,
        targets_of(task),
        epochs=12,
        validation_data=(FEATURES, targets_of(task)),
        verbose=0,
    ).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    logits = trained.predict(FEATURES, verbose=0)["logits"]
    assert logits.shape == (64, WIDTHS[task])
    if task == "multi_label":
        score = ((logits > 0) == LABELS[task]).all(axis=1).astype("float64")
    else:
        score = (logits[:, 0] - LABELS[task]) ** 2
    members = TARGETS["membership"]
    expected = [*(score @ members / members.sum(axis=0)), score.mean()]
    if task == "regression":
        expected = np.sqrt(expected)
    for part in ("", "val_"):
        names = [f"{part}{METRICS[task]}/{s}" for s in (*SCHEMA.names, "base")]
        assert all(len(history[name]) == 12 for name in names)
    found = [history[name][-1] for name in names]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_folded_model_predicts_explains_and_scores_the_same(task, tmp_path):
    model = made(task, units=16)
    model.fit(FEATURES, targets_of(task), epochs=2, verbose=0)
    folded = model.fold()
    folded.compile()
    folded.save(tmp_path / "folded.keras")
    scores = model.evaluate(
        FEATURES, targets_of(task), verbose=0, return_dict=True
    )
    expected = plain(model.explain(FEATURES))
    for one in (folded, keras.models.load_model(tmp_path / "folded.keras")):
        for key, value in plain(one.explain(FEATURES)).items():
            np.testing.assert_allclose(value, expected[key], atol=1e-5)
        found = one.evaluate(
            FEATURES, targets_of(task), verbose=0, return_dict=True
        )
        assert found.keys() == scores.keys()
        for key, value in scores.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_explain_names_predictions_and_contributions_sum(task):
    model = made(task)
    explained = plain(model.explain(FEATURES))
    logits = explained["logits"]
    said = (
        {"probabilities": 1 / (1 + np.exp(-logits))}
        if task == "multi_label"
        else {"predictions": logits[:, 0]}
    )
    shared = {"slice_probabilities", "attention", "logits", "contributions"}
    assert explained.keys() == shared | said.keys()
    for key, value in said.items():
        np.testing.assert_allclose(explained[key], value, rtol=1e-5)
    np.testing.assert_allclose(
        explained["contributions"].sum(axis=1), logits, atol=1e-5
    )


@pytest.mark.parametrize("task", TASKS)
def test_loaded_model_goes_on_as_the_saved_one_would(task, tmp_path):
    model = made(task)
    model.fit(FEATURES, targets_of(task), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    runs = [
        one.fit(FEATURES, targets_of(task), shuffle=False, verbose=0).history
        for one in (model, loaded)
    ]
    assert loaded.task == task
    assert runs[0] == runs[1]


@pytest.mark.parametrize("task", TASKS)
def test_added_slices_keep_the_task(task):
    model = made(task)
    wider = add_slices(model, [Slice("third")], [0.1])
    assert wider.task == task
    np.testing.assert_allclose(
        wider(FEATURES)["expert_logits"][:, :2],
        model(FEATURES)["expert_logits"][:, :2],
        atol=1e-5,
    )


@pytest.mark.parametrize("task", TASKS)
def test_the_loop_for_many_devices_trains_as_fit_does(task):
    data = tf.data.Dataset.from_tensor_slices((FEATURES, targets_of(task)))
    data = data.batch(16)
    fitted, looped = made(task), made(task)
    by_fit = fitted.fit(
        data, epochs=2, verbose=0, shuffle=False, validation_data=data
    ).history
    by_loop = train(
        looped, DatasetBatches(data), DatasetBatches(data), epochs=2, verbose=0
    )
    assert by_fit.keys() == by_loop.keys()
    for key, values in by_loop.items():
        np.testing.assert_allclose(values, by_fit[key], rtol=1e-5, err_msg=key)
    for one, other in zip(
        looped.get_weights(), fitted.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_best_epoch_of_a_number_is_that_of_the_smallest_error():
    keep = KeepBest("val_rmse/small")
    stop = StopEarly("val_rmse/small", patience=1)
    model, targets = made("regression"), targets_of("regression")
    data = (FEATURES, targets)
    for epochs, callback in ((5, keep), (2, stop)):
        errors = model.fit(
            *data,
            epochs=epochs,
            validation_data=data,
            callbacks=[callback],
            verbose=0,
        ).history["val_rmse/small"]
        if callback is keep:
            assert keep.best_epoch == int(np.argmin(errors))
    assert stop.best == min(errors)


def test_a_number_may_be_a_column():
    targets = targets_of("regression")
    column = {**targets, "label": targets["label"][:, None]}
    losses = [
        made("regression").evaluate(FEATURES, one, verbose=0)
        for one in (targets, column)
    ]
    np.testing.assert_allclose(losses[0], losses[1])


def test_metrics_of_keras_compare_numbers_and_labels():
    for task, metric in (
        ("regression", keras.metrics.MeanAbsoluteError(name="own")),
        ("multi_label", keras.metrics.BinaryAccuracy(name="own")),
    ):
        model = made(task)
        model.compile(metrics=[metric])
        result = model.evaluate(
            FEATURES, targets_of(task), verbose=0, return_dict=True
        )
        logits = model.predict(FEATURES, verbose=0)["logits"]
        expected = (
            np.abs(logits[:, 0] - LABELS[task]).mean()
            if task == "regression"
            else ((logits > 0) == LABELS[task]).mean()
        )
        np.testing.assert_allclose(result["own"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("task", "label", "message"),
    [
        ("multi_label", X[:, 0], r"\[batch, 3\].*Received: shape=\(32,\)"),
        ("multi_label", X[:, :2], r"\[batch, 3\].*shape=\(32, 2\)"),
        ("regression", X[:, :2], r"one number an example.*shape=\(32, 2\)"),
    ],
)
def test_labels_of_another_shape_are_refused(task, label, message):
    with pytest.raises(ValueError, match=message):
        made(task).fit(FEATURES, {**TARGETS, "label": label}, verbose=0)


@pytest.mark.parametrize("model", [GroupDROModel, HardParameterSharingModel])
def test_baselines_refuse_what_they_have_no_loss_for(model):
    with pytest.raises(ValueError, match=r"one of classification.*regression"):
        model(mlp(), SCHEMA, None, task="regression")


def halves():
    """A backbone whose indicators read the second half of the features."""
    x = keras.Input((6,), name="x")
    z = keras.layers.Dense(8, activation="relu")(x[:, :3])
    return keras.Model({"x": x}, {"z": z, "indicator_features": x[:, 3:]})


def test_indicators_read_features_of_their_own(tmp_path):
    keras.utils.set_random_seed(0)
    model = SliceAwareModel(halves(), SCHEMA, slice_rates=RATES)
    model.compile()
    model.fit(FEATURES, TARGETS, verbose=0)
    outputs = plain(model(FEATURES))
    other = X.copy()
    other[:, 3:] += 1.0
    moved = plain(model({"x": other}))
    np.testing.assert_array_equal(
        moved["expert_logits"], outputs["expert_logits"]
    )
    kernel = model.module.indicators.kernel.numpy()
    assert kernel.shape == (3, 2)
    np.testing.assert_allclose(
        moved["indicator_logits"] - outputs["indicator_logits"],
        np.tile(kernel.sum(axis=0), (64, 1)),
        atol=1e-5,
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    wider = add_slices(model, [Slice("third")], [0.1])
    assert wider(FEATURES)["indicator_logits"].shape == (64, 3)
    for one in (loaded, model.fold()):
        for key, value in plain(one(FEATURES)).items():
            np.testing.assert_allclose(value, outputs[key], atol=1e-5)
    assert VanillaModel(halves(), 2)(FEATURES)["logits"].shape == (64, 1)


def test_outputs_of_a_backbone_are_named():
    x = keras.Input((6,), name="x")
    backbone = keras.Model({"x": x}, {"z": x * 1.0, "extra": x * 2.0})
    with pytest.raises(ValueError, match=r"`indicator_features`.*extra, z"):
        SliceAwareModel(backbone, SliceSchema(()))
