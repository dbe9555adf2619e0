import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import SlicedBatches
from slice_tf.training import DatasetBatches, fit, train
from sliced_task import FEATURES, SCHEMA, TARGETS, made, write_sliced

SPEC = FeatureSpec.parse(["x=float32:6"])
BATCHES = tf.data.Dataset.from_tensor_slices((FEATURES, TARGETS)).batch(16)


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({}, 0),
        ({"steps_per_execution": 3}, 0),
        ({"accumulate": 3}, 1e-5),
        ({"jit_compile": True, "steps_per_execution": 10}, 2e-5),
    ],
    ids=["step by step", "several steps", "in pieces", "compiled"],
)
def test_it_gives_the_weights_and_logs_of_fit(tmp_path, options, tolerance):
    directory = write_sliced(tmp_path / "data", range(61))
    data = SlicedBatches(directory, SPEC, SCHEMA, 16)
    one, other = (made(2, metrics=["accuracy"]) for _ in range(2))
    expected = fit(one, data.epoch(), data.epoch(), epochs=2, verbose=0)
    history = train(other, data, data, epochs=2, verbose=0, **options)
    assert set(history) == set(expected)
    for key, values in history.items():
        np.testing.assert_allclose(values, expected[key], atol=tolerance)
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    for weights in pairs:
        np.testing.assert_allclose(*weights, rtol=0, atol=tolerance)


def test_epochs_differ_and_repeat_with_the_seed(tmp_path):
    directory = write_sliced(tmp_path / "data")

    def losses(seed):
        data = SlicedBatches(
            directory, SPEC, SCHEMA, 16, shuffle=True, seed=seed
        )
        return train(made(2), data, epochs=2, verbose=0)["loss"]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_callbacks_hear_of_every_execution():
    heard = []

    class Listening(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            heard.append(("begin", self.params["steps"]))

        def on_train_batch_end(self, batch, logs=None):
            heard.append(("batch", batch))

        def on_epoch_end(self, epoch, logs=None):
            heard.append(("epoch", epoch, "val_loss" in logs))
            self.model.stop_training = epoch == 1

    data = DatasetBatches(BATCHES)
    history = train(
        made(2),
        data,
        data,
        epochs=5,
        steps_per_execution=3,
        verbose=0,
        callbacks=[Listening()],
    )
    epoch = [("batch", 2), ("batch", 3)]
    assert heard == [
        ("begin", 4),
        *epoch,
        ("epoch", 0, True),
        *epoch,
        ("epoch", 1, True),
    ]
    assert len(history["loss"]) == 2


def test_bad_loss_stops():
    broken = {"x": FEATURES["x"] * np.inf}
    data = tf.data.Dataset.from_tensor_slices((broken, TARGETS)).batch(16)
    with pytest.raises(ValueError, match="loss=nan at epoch 1"):
        train(made(2), DatasetBatches(data), epochs=1, verbose=0)


def test_bad_loss_stops_within_a_long_epoch_of_large_executions():
    broken = {"x": FEATURES["x"] * np.inf}
    data = tf.data.Dataset.from_tensor_slices((broken, TARGETS)).batch(16)
    batches = DatasetBatches(data.repeat(64))
    with pytest.raises(ValueError, match="loss=nan at epoch 1, step 112"):
        train(made(2), batches, epochs=1, steps_per_execution=16, verbose=0)


def test_no_example_is_an_error():
    with pytest.raises(ValueError, match="at least one example"):
        train(made(2), DatasetBatches(BATCHES.take(0)), epochs=1)


def test_an_empty_validation_set_is_an_error():
    data, nothing = DatasetBatches(BATCHES), DatasetBatches(BATCHES.take(0))
    with pytest.raises(ValueError, match=r"validation.*at least one example"):
        train(made(2), data, nothing, epochs=1)


def test_strings_cannot_be_compiled_by_xla():
    texts = {**FEATURES, "text": np.array(["a"] * 64)}
    data = tf.data.Dataset.from_tensor_slices((texts, TARGETS)).batch(16)
    with pytest.raises(ValueError, match="XLA has no strings"):
        train(made(2), DatasetBatches(data), epochs=1, jit_compile=True)


def test_a_dataset_must_know_its_size():
    with pytest.raises(ValueError, match="cardinality=-2"):
        DatasetBatches(BATCHES.filter(lambda x, y: True))


@pytest.mark.parametrize(
    "name", ["epochs", "steps_per_execution", "accumulate"]
)
def test_counts_must_be_positive(name):
    with pytest.raises(ValueError, match=f"Received: {name}=0"):
        train(made(2), DatasetBatches(BATCHES), **{"epochs": 1, **{name: 0}})
