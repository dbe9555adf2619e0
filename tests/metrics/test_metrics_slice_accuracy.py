import keras
import numpy as np

from slice_tf.metrics import SliceAccuracy

LABELS = np.array([0, 1, 1, 0])
PREDICTIONS = np.array([0, 1, 0, 1])
MEMBERSHIP = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], "float32")


def scored(*rows):
    metric = SliceAccuracy(["a", "b", "c"])
    for part in rows:
        metric.update_state(LABELS[part], PREDICTIONS[part], MEMBERSHIP[part])
    return metric


def values_of(metric):
    return {key: float(value) for key, value in metric.result().items()}


def test_result_names_every_slice_and_the_base_last():
    result = values_of(scored([0, 1, 2, 3]))
    assert list(result) == [f"accuracy/{name}" for name in "abc"] + [
        "accuracy/base"
    ]
    np.testing.assert_array_equal(
        list(result.values()), [1.0, 0.5, np.nan, 0.5]
    )


def test_batches_and_their_order_do_not_matter():
    whole = scored([0, 1, 2, 3]).right_and_all()
    np.testing.assert_array_equal(scored([3, 1], [2, 0]).right_and_all(), whole)
    np.testing.assert_array_equal(whole, [[2, 2], [1, 2], [0, 0], [2, 4]])


def test_without_membership_the_base_is_counted():
    metric = SliceAccuracy([])
    metric.update_state(LABELS, PREDICTIONS)
    assert values_of(metric) == {"accuracy/base": 0.5}


def test_reset_forgets():
    metric = scored([0, 1])
    metric.reset_state()
    np.testing.assert_array_equal(metric.right_and_all(), np.zeros((4, 2)))


def test_counts_beyond_float32():
    metric = SliceAccuracy([])
    metric.counts.assign(np.full((1, 2), 2**24))
    metric.update_state(LABELS[:1], PREDICTIONS[:1])
    np.testing.assert_array_equal(metric.right_and_all(), [[2**24 + 1] * 2])


def test_revived_metric_counts_the_same_slices():
    metric = keras.metrics.deserialize(
        keras.metrics.serialize(SliceAccuracy(["x"], name="other"))
    )
    metric.update_state(LABELS, PREDICTIONS, MEMBERSHIP[:, :1])
    assert metric.name == "other"
    assert values_of(metric) == {"accuracy/x": 1.0, "accuracy/base": 0.5}
