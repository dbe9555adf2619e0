import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import SliceCounts, slice_metrics, to_probabilities
from slice_tf.metrics import SliceMetrics

NUM_ROWS = 5_000
NAMES = ("a", "b", "c")
PROGRAM = pathlib.Path(__file__).parent / "mirrored_metrics.py"


def data(num_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, NUM_ROWS).astype("int32")
    logits = rng.normal(size=(NUM_ROWS, num_classes)).astype("float32")
    logits[np.arange(NUM_ROWS), labels] += 1.5
    if num_classes == 2:
        logits = logits[:, 1:] - logits[:, :1]
    membership = rng.random((NUM_ROWS, 3)) < [0.5, 0.1, 0.02]
    return labels, logits, membership.astype("float32")


def scored(*parts, num_classes=2):
    metric = SliceMetrics(NAMES, num_classes)
    for rows in parts or (slice(None),):
        metric.update_state(*(column[rows] for column in data(num_classes)))
    return metric


def values_of(metric):
    return {key: float(value) for key, value in metric.result().items()}


@pytest.mark.parametrize("num_classes", [2, 4])
def test_metrics_are_those_of_the_evaluation(num_classes):
    labels, logits, membership = data(num_classes)
    counts = SliceCounts(3, num_classes)
    counts.add(labels, to_probabilities(logits, num_classes), membership)
    found = values_of(scored(num_classes=num_classes))
    names = ["accuracy", "log_loss"]
    names += ["precision", "recall", "f1"] if num_classes == 2 else []
    for one, name in zip(slice_metrics(counts), (*NAMES, "base"), strict=True):
        expected = {f"{key}/{name}": one[key].value for key in names}
        values = {key: found[key] for key in expected}
        assert values == pytest.approx(expected, abs=2e-4)


def test_areas_are_those_of_scikit_learn():
    labels, logits, membership = data()
    found = values_of(scored())
    for i, name in enumerate(NAMES):
        rows = membership[:, i] == 1
        area = sklearn_metrics.roc_auc_score(labels[rows], logits[rows, 0])
        assert found[f"auc/{name}"] == pytest.approx(area, abs=2e-3)


def test_everything_is_one_variable():
    assert [v.shape for v in SliceMetrics(NAMES).variables] == [(4, 513)]


def test_batches_and_their_order_do_not_matter():
    order = np.random.default_rng(1).permutation(NUM_ROWS)
    parts = np.array_split(order, 7)
    np.testing.assert_array_equal(
        scored(*parts).cells.numpy(), scored().cells.numpy()
    )


@pytest.mark.parametrize("num_classes", [2, 4])
def test_xla_compiles_it_to_the_same(num_classes):
    metric = SliceMetrics(NAMES, num_classes)
    compiled = tf.function(metric.update_state, jit_compile=True)
    compiled(*map(tf.constant, data(num_classes)))
    found = metric.cells.numpy()
    expected = scored(num_classes=num_classes).cells.numpy()
    np.testing.assert_array_equal(found[:, :-1], expected[:, :-1])
    np.testing.assert_allclose(found[:, -1], expected[:, -1], rtol=1e-6)


def test_two_devices_count_like_one():
    done = subprocess.run(
        [sys.executable, PROGRAM], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["alone"]) == 24
    assert found["mirrored"] == found["alone"]


def test_an_empty_slice_has_no_metrics():
    metric = SliceMetrics(["a"])
    metric.update_state([1], [[2.0]], [[0.0]])
    found = values_of(metric)
    assert [key for key, value in found.items() if np.isnan(value)] == [
        "accuracy/a",
        "precision/a",
        "recall/a",
        "f1/a",
        "auc/a",
        "auc/base",
        "log_loss/a",
    ]


def test_a_logit_of_zero_is_predicted_as_class_0():
    metric = SliceMetrics([])
    metric.update_state([0, 1], [[0.0], [0.0]])
    np.testing.assert_array_equal(metric.right_and_all(), [[1, 2]])


@pytest.mark.parametrize("num_classes", [2, 4])
def test_right_and_all_are_counts(num_classes):
    labels, logits, membership = data(num_classes)
    guesses = logits[:, 0] > 0 if num_classes == 2 else logits.argmax(axis=1)
    members = np.concatenate([membership, np.ones((NUM_ROWS, 1))], axis=1)
    right = (guesses == labels) @ members
    expected = np.stack([right, members.sum(axis=0)], axis=1)
    found = scored(num_classes=num_classes).right_and_all()
    np.testing.assert_array_equal(found, expected)


def test_extreme_logits_are_counted():
    metric = SliceMetrics([])
    metric.update_state([1, 0], [[1e30], [1e30]])
    assert values_of(metric)["log_loss/base"] == 20.0


def test_revived_metric_counts_the_same():
    metric = keras.metrics.deserialize(
        keras.metrics.serialize(SliceMetrics(["x"], 3, name="other"))
    )
    metric.update_state([2], [[0.0, 1.0, 5.0]], [[1.0]])
    assert metric.name == "other"
    assert values_of(metric)["accuracy/x"] == 1.0


def test_one_class_is_no_task():
    with pytest.raises(ValueError, match="Received: num_classes=1"):
        SliceMetrics([], 1)
