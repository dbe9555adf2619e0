import keras
import numpy as np

from slice_tf.metrics import SliceAccuracy, SliceRMSE

RNG = np.random.default_rng(0)
LABELS, PREDICTIONS = RNG.normal(size=(2, 40, 1)).astype("float32")
MEMBERSHIP = (RNG.random((40, 3)) < [0.5, 0.1, 0.0]).astype("float32")
NAMES = ("half", "few", "none")


def tensors(*arrays):
    return [keras.ops.convert_to_tensor(one) for one in arrays]


def counted(parts, metric=SliceRMSE):
    metric = metric(NAMES)
    for rows in np.split(np.arange(40), parts):
        metric.update_state(
            *tensors(LABELS[rows], PREDICTIONS[rows], MEMBERSHIP[rows])
        )
    return {key: float(value) for key, value in metric.result().items()}


def test_it_is_the_root_of_the_mean_square_in_every_slice():
    squares = (PREDICTIONS - LABELS)[:, 0] ** 2
    expected = {
        f"rmse/{name}": np.sqrt(squares[members > 0].mean())
        for name, members in zip(NAMES[:2], MEMBERSHIP.T, strict=False)
    }
    expected |= {"rmse/none": np.nan, "rmse/base": np.sqrt(squares.mean())}
    for parts in ([], [7], [0, 3, 39]):
        result = counted(parts)
        assert list(result) == [*(f"rmse/{n}" for n in NAMES), "rmse/base"]
        for key, value in expected.items():
            np.testing.assert_allclose(result[key], value, rtol=1e-5)


def test_what_is_no_number_spoils_the_slices_it_is_in_alone():
    metric = SliceRMSE(["a", "b"])
    labels = np.array([np.nan, 1.0], "float32")
    membership = np.array([[1, 0], [0, 1]], "float32")
    metric.update_state(*tensors(labels, labels * 0 + 3, membership))
    result = {key: float(value) for key, value in metric.result().items()}
    assert np.isnan(result["rmse/a"])
    assert np.isnan(result["rmse/base"])
    assert np.isnan(labels[0])


def test_a_file_keeps_it():
    revived = keras.metrics.deserialize(
        keras.metrics.serialize(SliceRMSE(["a"]))
    )
    assert revived.slice_keys == ("rmse/a",)


def test_several_labels_are_right_where_all_are():
    metric = SliceAccuracy(["a"])
    labels = np.array([[1, 0], [1, 0], [1, 1]])
    said = np.array([[1, 0], [1, 1], [1, 1]])
    metric.update_state(*tensors(labels, said, np.array([[1], [1], [0]])))
    np.testing.assert_array_equal(metric.right_and_all(), [[1, 2], [2, 3]])
