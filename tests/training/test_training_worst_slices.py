import keras
import numpy as np
import pytest
import tensorflow as tf

from event_files import scalars
from slice_tf.models import SliceAwareModel
from slice_tf.training import StopEarly, WatchWorstSlices, fit
from slice_tf.training.best import lower_bound
from sliced_task import FEATURES, SCHEMA, TARGETS, made, mlp


def dataset():
    return tf.data.Dataset.from_tensor_slices((FEATURES, TARGETS)).batch(16)


def test_the_least_lower_bound_of_validation_is_logged():
    model = made(2)
    watch = WatchWorstSlices(min_size=1)
    history = fit(
        model, dataset(), dataset(), epochs=2, verbose=0, callbacks=[watch]
    )
    counts = model.slice_accuracy.right_and_all()[:-1].tolist()
    expected = min(lower_bound(*row) for row in counts)
    assert history["worst_slice_low"][-1] == pytest.approx(expected)


def test_worst_slices_and_all_logs_are_written_for_tensorboard(tmp_path):
    watch = WatchWorstSlices(tmp_path, num_slices=1, min_size=1)
    model = made(2)
    history = fit(model, dataset(), epochs=1, verbose=0, callbacks=[watch])
    found = scalars(tmp_path)
    (worst,) = [tag for tag in found if tag.startswith("worst_slices/")]
    name = worst.removeprefix("worst_slices/")
    accuracy = history[f"accuracy/{name}"][0]
    assert found.pop(worst) == pytest.approx(accuracy)
    of_slices = model.slice_accuracy.slice_keys
    assert found == {
        key: pytest.approx(value[0])
        for key, value in history.items()
        if key not in of_slices
    }
    assert "loss" in found
    assert "worst_slice_low" in found


def test_worst_slices_of_numbers_are_those_of_the_largest_error(tmp_path):
    model = SliceAwareModel(mlp(), SCHEMA, task="regression")
    model.compile("adam")
    targets = {**TARGETS, "label": FEATURES["x"][:, 0]}
    data = tf.data.Dataset.from_tensor_slices((FEATURES, targets)).batch(16)
    watch = WatchWorstSlices(tmp_path, num_slices=1, min_size=1)
    history = fit(model, data, epochs=1, verbose=0, callbacks=[watch])
    found = scalars(tmp_path)
    errors = {name: history[f"rmse/{name}"][0] for name in SCHEMA.names}
    worst = max(errors, key=errors.get)
    assert found[f"worst_slices/{worst}"] == pytest.approx(errors[worst])
    assert sum(tag.startswith("worst_slices/") for tag in found) == 1
    assert "worst_slice_low" not in history


def test_training_stops_where_the_worst_slice_gets_no_better():
    model = made(2)
    model.optimizer.learning_rate = 0.0
    callbacks = [WatchWorstSlices(min_size=1), StopEarly("worst_slice_low", 2)]
    history = fit(model, dataset(), epochs=9, verbose=0, callbacks=callbacks)
    assert len(history["loss"]) == 3


def test_slices_too_small_to_watch_are_warned_of(caplog):
    size = int(TARGETS["membership"].sum(axis=0).max())
    watch = WatchWorstSlices(min_size=1_000)
    history = fit(made(2), dataset(), epochs=1, verbose=0, callbacks=[watch])
    assert "worst_slice_low" not in history
    assert caplog.messages == [
        f"no slice is large enough to watch: min_size=1000, largest={size}"
    ]


def test_a_model_without_slices_cannot_be_watched():
    backbone = mlp()
    head = keras.layers.Dense(1)(backbone.output)
    model = keras.Model(backbone.input, head)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="without `slice_metric`"):
        model.fit(
            FEATURES,
            np.zeros(64),
            verbose=0,
            callbacks=[WatchWorstSlices()],
        )


def test_numbers_are_checked():
    with pytest.raises(ValueError, match="num_slices=0, min_size=30"):
        WatchWorstSlices(num_slices=0)
