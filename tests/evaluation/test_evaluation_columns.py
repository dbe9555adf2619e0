import numpy as np
import pyarrow

from slice_tf.data import append_membership, append_slice_names, decode, encode
from slice_tf.evaluation import evaluate, to_columns, to_scalars
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])


def results():
    labels = np.arange(100) % 2
    membership = np.stack([np.arange(100) < 40, np.arange(100) < 5], axis=1)
    return evaluate(labels, np.eye(2)[labels], membership, SCHEMA)


def test_columns_make_an_arrow_table():
    table = pyarrow.table(to_columns(results()))
    assert table.column_names == [
        "slice",
        "size",
        "metric",
        "value",
        "low",
        "high",
        "n",
        "status",
    ]
    first = table.slice(0, 1).to_pylist()[0]
    assert first.pop("low") < 1
    assert first == {
        "slice": "night",
        "size": 40,
        "metric": "accuracy",
        "value": 1.0,
        "high": 1.0,
        "n": 40,
        "status": "ok",
    }


def test_scalars_leave_out_what_cannot_be_told():
    scalars = to_scalars(results())
    assert scalars["slices/night/accuracy"] == 1.0
    assert "slices/rain/accuracy" not in scalars
    assert "slices/night/precision" not in scalars  # of 20 predictions


def test_names_of_slices_are_one_more_feature():
    for row, names in (([1, 1], [b"night", b"rain"]), ([0, 0], [])):
        record = append_membership(encode({"x": 1}), np.array(row, np.uint8))
        named = append_slice_names(record, SCHEMA)
        assert named.startswith(record)
        features = decode(named).features.feature
        assert list(features.get("slice").bytes_list.value) == names


def test_a_slice_that_is_not_known_is_not_named():
    record = append_membership(
        encode({"x": 1}),
        np.array([1, 1], np.uint8),
        np.array([0, 1], np.uint8),
    )
    features = decode(append_slice_names(record, SCHEMA, "in")).features.feature
    assert list(features.get("in").bytes_list.value) == [b"night"]
