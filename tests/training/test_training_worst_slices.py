import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.training import StopEarly, WatchWorstSlices, fit
from slice_tf.training.best import lower_bound
from sliced_task import FEATURES, TARGETS, made, mlp


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


def test_worst_slices_are_written_for_tensorboard(tmp_path):
    watch = WatchWorstSlices(tmp_path, num_slices=1, min_size=1)
    fit(made(2), dataset(), epochs=1, verbose=0, callbacks=[watch])
    (path,) = tmp_path.iterdir()
    tags = [
        value.tag
        for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        for value in tf.compat.v1.Event.FromString(raw).summary.value
    ]
    assert tags[0] == "worst_slice_low"
    assert tags[1] in ("worst_slices/small", "worst_slices/large")
    assert len(tags) == 2


def test_tensorboard_sees_scalars(tmp_path):
    watch = WatchWorstSlices(tmp_path, min_size=1)
    history = fit(made(2), dataset(), epochs=1, verbose=0, callbacks=[watch])
    (path,) = tmp_path.iterdir()
    raw = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())[1]
    event = tf.compat.v1.Event.FromString(raw)
    (value,) = event.summary.value
    assert value.metadata.plugin_data.plugin_name == "scalars"
    low = float(tf.make_ndarray(value.tensor))
    assert low == pytest.approx(history["worst_slice_low"][0])


def test_training_stops_where_the_worst_slice_gets_no_better():
    model = made(2)
    model.optimizer.learning_rate = 0.0
    callbacks = [WatchWorstSlices(min_size=1), StopEarly("worst_slice_low", 2)]
    history = fit(model, dataset(), epochs=9, verbose=0, callbacks=callbacks)
    assert len(history["loss"]) == 3


def test_small_slices_are_left_out():
    size = int(TARGETS["membership"].sum(axis=0).max())
    message = f"min_size=1000, largest slice={size}"
    with pytest.raises(ValueError, match=message):
        fit(
            made(2),
            dataset(),
            epochs=1,
            verbose=0,
            callbacks=[WatchWorstSlices(min_size=1_000)],
        )


def test_a_model_without_slices_cannot_be_watched():
    backbone = mlp()
    head = keras.layers.Dense(1)(backbone.output)
    model = keras.Model(backbone.input, head)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="without `slice_accuracy`"):
        model.fit(
            FEATURES,
            np.zeros(64),
            verbose=0,
            callbacks=[WatchWorstSlices()],
        )


def test_numbers_are_checked():
    with pytest.raises(ValueError, match="num_slices=0, min_size=30"):
        WatchWorstSlices(num_slices=0)
