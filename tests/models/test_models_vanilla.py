import keras
import numpy as np
import pytest

from slice_tf.models import VanillaModel
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp


def vanilla(num_classes=2, schema=None):
    keras.utils.set_random_seed(0)
    model = VanillaModel(mlp(), num_classes, schema)
    model.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    return model


@pytest.mark.parametrize(("num_classes", "num_logits"), [(2, 1), (3, 3)])
def test_it_learns_labels_alone(num_classes, num_logits):
    model = vanilla(num_classes)
    targets = {"label": TARGETS["label"]}
    history = model.fit(FEATURES, targets, epochs=8, verbose=0).history
    assert set(history) == {"loss", "accuracy", "accuracy/base"}
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    outputs = model.predict(FEATURES, verbose=0)
    assert {k: v.shape for k, v in outputs.items()} == {
        "logits": (64, num_logits)
    }


def test_slices_are_scored_and_never_learned():
    runs = []
    for flip in (False, True):
        model = vanilla(schema=SCHEMA)
        membership = np.abs(flip - TARGETS["membership"])
        targets = {**TARGETS, "membership": membership}
        model.fit(FEATURES, targets, shuffle=False, verbose=0)
        runs.append(model.get_weights())
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {"accuracy/small", "accuracy/large"} < set(
        model.get_metrics_result()
    )


def test_loss_is_the_cross_entropy_of_keras():
    model = vanilla(3)
    logits = model.predict(FEATURES, verbose=0)["logits"]
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = model.evaluate(
        FEATURES, {"label": TARGETS["label"]}, verbose=0, return_dict=True
    )["loss"]
    np.testing.assert_allclose(
        loss, expected(TARGETS["label"], logits), rtol=1e-5
    )


def test_loaded_model_predicts_the_same(tmp_path):
    model = vanilla(3, SCHEMA)
    model.fit(FEATURES, TARGETS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.schema == SCHEMA
    np.testing.assert_array_equal(
        loaded.predict(FEATURES, verbose=0)["logits"],
        model.predict(FEATURES, verbose=0)["logits"],
    )
