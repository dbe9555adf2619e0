import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import load_dataset
from slice_tf.training import fit, set_seed
from sliced_task import FEATURES, SCHEMA, TARGETS, made, write_sliced

SPEC = FeatureSpec.parse(["x=float32:6"])


def dataset(features=FEATURES, targets=TARGETS, batch_size=16):
    return tf.data.Dataset.from_tensor_slices((features, targets)).batch(
        batch_size
    )


def test_history_has_one_number_an_epoch():
    history = fit(made(2), dataset(), dataset(), epochs=3, verbose=0)
    assert {len(values) for values in history.values()} == {3}
    assert {"loss", "val_loss", "accuracy/small", "val_accuracy/base"} < set(
        history
    )
    assert all(type(v) is float for values in history.values() for v in values)


def test_same_seed_and_records_give_the_same_model(tmp_path):
    directory = write_sliced(tmp_path / "data")
    runs = []
    for _ in range(2):
        set_seed(3)
        data = load_dataset(directory, SPEC, SCHEMA, 16, shuffle=True, seed=3)
        model = made(2, seed=3)
        fit(model, data, epochs=3, verbose=0)
        outputs = model.predict(FEATURES, verbose=0)
        runs.append([*model.get_weights(), *outputs.values()])
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)


def test_one_line_an_epoch_is_logged(caplog, capsys):
    with caplog.at_level(logging.INFO, logger="slice_tf.training"):
        fit(made(2), dataset(), dataset(), epochs=2)
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "epoch 1/2",
        "epoch 2/2",
    ]
    assert "validation accuracy" in caplog.records[0].message
    assert capsys.readouterr().out == ""


def test_nan_loss_names_the_feature_and_its_example():
    values = FEATURES["x"].copy()
    values[19, 1] = np.inf
    example = (
        r"base_loss=nan, .*, loss=nan at epoch 1\. The first bad value of the "
        r"data is in feature x of example 3 of batch 1: inf; the example is in "
    )
    with pytest.raises(ValueError, match=example):
        fit(made(2), dataset({"x": values}), epochs=2, verbose=0)


def test_nan_loss_stops_within_a_long_epoch():
    data = dataset({"x": FEATURES["x"] * np.inf}).repeat(100)
    with pytest.raises(ValueError, match="epoch 1, step 100"):
        fit(made(2), data, epochs=1, verbose=0)


def test_label_that_is_no_class_is_named():
    targets = {**TARGETS, "label": TARGETS["label"].copy()}
    targets["label"][5] = 7
    message = "in label of example 5 of batch 0: 7; the example is in"
    with pytest.raises(ValueError, match=message):
        fit(made(2), dataset(targets=targets), epochs=1, verbose=0)


def test_good_data_leave_the_learning_rate_to_blame():
    model = made(2)
    model.compile(keras.optimizers.SGD(1e38))
    with pytest.raises(ValueError, match="in range: take a smaller learning"):
        fit(model, dataset(), epochs=3, verbose=0)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(
    "empty",
    [dataset().take(0), dataset().filter(lambda x, y: False)],
    ids=["known to be empty", "found to be empty"],
)
def test_no_example_is_an_error(empty):
    with pytest.raises(ValueError, match="must hold at least one"):
        fit(made(2), empty, epochs=1, verbose=0)


def test_damaged_record_is_named(tmp_path):
    directory = write_sliced(tmp_path / "data")
    data = load_dataset(directory, SPEC, SCHEMA, 16)
    shard = directory / "part-0.tfrecord"
    content = bytearray(shard.read_bytes())
    content[-5] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match=r"part-0\.tfrecord.*63"):
        fit(made(2), data, epochs=1, verbose=0)


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_must_be_positive(epochs):
    with pytest.raises(ValueError, match=f"Received: epochs={epochs}"):
        fit(made(2), dataset(), epochs=epochs)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_must_be_one_of_numpys(seed):
    with pytest.raises(ValueError, match=f"Received: seed={seed}"):
        set_seed(seed)
