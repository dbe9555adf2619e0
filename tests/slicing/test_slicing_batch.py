import numpy as np
import pytest

from slice_tf.slicing import Batch, Row


def batch_of(*features):
    return Batch([Row.from_mapping(one) for one in features])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], np.array([1, 2], np.int64)),
        ([0.5, 1.5], np.array([0.5, 1.5], np.float32)),
        ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], np.int64)),
        ([[0.5], [1.5]], np.array([0.5, 1.5], np.float32)),
        (["a", "bc"], np.array([b"a", b"bc"], object)),
        ([b"a\0", b""], np.array([b"a\0", b""], object)),
        ([["a", "b"], ["c", "d"]], np.array([[b"a", b"b"], [b"c", b"d"]], "O")),
    ],
)
def test_columns_are_arrays(values, expected):
    column = batch_of(*({"x": value} for value in values))["x"]
    np.testing.assert_array_equal(column, expected, strict=True)


def test_ragged_columns_hold_a_row_each():
    batch = batch_of({"n": [1, 2], "w": "a"}, {"n": 3, "w": ["b", "c"]})
    assert batch["n"].dtype == batch["w"].dtype == object
    assert [row.tolist() for row in batch["n"]] == [[1, 2], [3]]
    assert batch["w"].tolist() == [[b"a"], [b"b", b"c"]]


def test_columns_are_built_once_and_cannot_be_written_to():
    batch = batch_of({"x": 1}, {"x": 2})
    assert batch["x"] is batch["x"]
    with pytest.raises(ValueError, match="read-only"):
        batch["x"][0] = 3


def test_texts_are_decoded():
    assert batch_of({"x": "é"}, {"x": "b"}).text("x") == ["é", "b"]


def test_a_batch_knows_its_rows_and_names():
    batch = batch_of({"b": 1}, {"a": 1, "b": 2}, {})
    assert len(batch) == len(batch.rows) == 3
    assert batch.keys() == list(batch) == ["a", "b"]
    assert "a" in batch
    assert "c" not in batch


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("absent", ValueError, "feature='absent', features=mixed, part"),
        ("part", ValueError, "feature='part', rows without it=1 of 2"),
        ("mixed", TypeError, "kinds=float_list, int64_list"),
    ],
)
def test_what_is_no_column_is_refused(key, error, message):
    batch = batch_of({"mixed": 1, "part": 1}, {"mixed": 0.5})
    with pytest.raises(error, match=message):
        batch[key]
