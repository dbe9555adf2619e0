import numpy as np
import pytest

from slice_tf.slicing import (
    Row,
    SlicingFunction,
    apply_to_table,
    preprocessor,
    slice_table,
    slicing_function,
)
from slice_tf.slicing.table import batches_of

COLUMNS = {
    "text": ["a b", "é", "", "c a", "b"],
    "blob": [b"\xff", b"", b"x", b"y", b"z"],
    "n": np.arange(5),
    "small": np.arange(5, dtype=np.uint8),
    "flag": [True, False, True, True, False],
    "price": np.array([0.1, np.nan, 2.5, -1.0, 1e9]),
    "pair": np.arange(10.0).reshape(5, 2),
    "some": ["x", None, float("nan"), "y", "z"],
    "words": [["a", "b"], ["c"], ["d"], [], ["e", "f"]],
}
RECORDS = [
    {
        key: cells[row]
        for key, cells in COLUMNS.items()
        if key != "some" or isinstance(cells[row], str)
    }
    for row in range(5)
]


@slicing_function
def has_a(row):
    return "a" in row.text("text")


@slicing_function(batch=True)
def large(batch):
    return batch["n"] >= 3


@slicing_function
def known(row):
    return row.text("some") in "xyz"


FUNCTIONS = [has_a, large, known]
MEMBERSHIP = [[1, 0, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1]]
UNKNOWN = [[0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 0]]


def pandas_table():
    pandas = pytest.importorskip("pandas")
    listed = {key: list(cells) for key, cells in COLUMNS.items()}
    listed["pair"] = list(COLUMNS["pair"])
    return pandas.DataFrame({**COLUMNS, **listed, "n": COLUMNS["n"]})


def arrow_table():
    pyarrow = pytest.importorskip("pyarrow")
    listed = {key: list(cells) for key, cells in COLUMNS.items()}
    listed["some"] = ["x", None, None, "y", "z"]
    return pyarrow.table(listed)


TABLES = {
    "columns": lambda: COLUMNS,
    "records": lambda: RECORDS,
    "generator": lambda: iter(RECORDS),
    "rows": lambda: [Row.from_mapping(one) for one in RECORDS],
    "pandas": pandas_table,
    "pyarrow": arrow_table,
}


@pytest.fixture(params=TABLES)
def table(request):
    return TABLES[request.param]()


@pytest.mark.parametrize("batch_size", [1, 2, 5, 256])
def test_every_form_of_a_table_gets_the_same_votes(table, batch_size):
    votes = apply_to_table(FUNCTIONS, table, batch_size=batch_size)
    np.testing.assert_array_equal(votes.membership, MEMBERSHIP)
    np.testing.assert_array_equal(votes.unknown, UNKNOWN)
    assert [(error.row, error.name) for error in votes.errors] == [
        (1, "known"),
        (2, "known"),
    ]


def test_a_row_of_a_table_is_the_row_of_its_example(table):
    (batch,) = batches_of(table, 8)
    for row, record in zip(batch.rows, RECORDS, strict=True):
        expected = Row.from_mapping(record)
        assert row.keys() == expected.keys()
        for key in (*expected, "some", "absent"):
            kind, values = row.raw(key)
            expected_kind, expected_values = expected.raw(key)
            assert (key, kind) == (key, expected_kind)
            np.testing.assert_array_equal(list(values), list(expected_values))
        assert row.text("text") == expected.text("text")
        assert row.bytes("text") == expected.bytes("text")
        assert row.text("some", default="?") == expected.text("some", "?")


def test_a_batch_of_a_table_is_the_batch_of_its_examples(table):
    (batch,) = batches_of(table, 8)
    (expected,) = batches_of(RECORDS, 8)
    assert batch.keys() == expected.keys()
    for key in ("text", "blob", "n", "small", "flag", "price", "pair"):
        np.testing.assert_array_equal(batch[key], expected[key], strict=True)
        assert not batch[key].flags.writeable
    assert batch.text("text") == expected.text("text")
    halves = [batch.part(0, 2), batch.part(2, 5)]
    found = np.concatenate([half["n"] for half in halves])
    np.testing.assert_array_equal(found, np.arange(5))
    assert batch.take([4, 0]).text("text") == ["b", "a b"]


def test_errors_of_each_function_are_capped_and_counted():
    rows = [{"n": n} for n in range(300)]
    broken = [SlicingFunction(lambda row: 2, name) for name in "ab"]
    votes = apply_to_table(broken, rows)
    assert votes.unknown.sum() == 600
    found = [(one.name, one.row) for one in votes.errors]
    assert found == [(name, row) for name in "ab" for row in range(100)]


def test_progress_is_told_rows():
    told = []
    apply_to_table([large], COLUMNS, batch_size=2, progress=told.append)
    assert told == [2, 4, 5]


def test_preprocessors_are_shared_within_a_batch():
    asked = []

    @preprocessor
    def n(row):
        asked.append(row.int("n"))
        return asked[-1]

    uses = {"n": n}
    functions = [
        SlicingFunction(lambda row, n: n > 2, name, uses=uses) for name in "ab"
    ]
    apply_to_table(functions, COLUMNS, batch_size=2)
    assert asked == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_rows_of_a_slice_come_as_the_table_did(function, table):
    kind = type(table)
    sliced = slice_table(function, table)
    members = np.flatnonzero(apply_to_table([function], COLUMNS).membership)
    if kind in (list, type(iter([]))):
        assert isinstance(sliced, list)
        (batch,) = batches_of(sliced, 8)
        assert batch["n"].tolist() == members.tolist()
        return
    assert isinstance(sliced, kind)
    assert np.asarray(sliced["n"]).tolist() == members.tolist()


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (3, TypeError, "must be a mapping of columns.*type=int"),
        ("abc", TypeError, "type=str"),
        ([3], TypeError, "row of a table must map names.*type=int"),
        ({"a": "abc"}, TypeError, "column must be an array.*type=str"),
        ({"a": np.array(3)}, TypeError, "type=ndarray"),
        ({3: [1]}, TypeError, r"named by strings.*columns=\[3\]"),
        ({"a": [1], "b": [1, 2]}, ValueError, "equal length.*a=1, b=2"),
    ],
)
def test_what_is_no_table_is_refused(table, error, message):
    with pytest.raises(error, match=message):
        apply_to_table([large], table)


def test_the_batch_size_is_positive():
    with pytest.raises(ValueError, match="batch_size=0"):
        apply_to_table([large], COLUMNS, batch_size=0)


@pytest.mark.parametrize("table", [{}, [], {"n": []}])
def test_no_rows_give_no_votes(table):
    votes = apply_to_table(FUNCTIONS, table)
    assert votes.membership.shape == votes.unknown.shape == (0, 3)
    assert votes.errors == []


def test_cells_that_no_example_holds_are_unknown():
    votes = apply_to_table([known], {"some": ["x", {1: 2}, 10**30]})
    assert votes.unknown.ravel().tolist() == [0, 1, 1]


@pytest.mark.parametrize("number", [2**63, 2**64])
def test_an_integer_that_no_example_holds_leaves_the_others_whole(number):
    one = SlicingFunction(lambda row: row.int("n") == 1, "one")
    votes = apply_to_table([one], {"n": [number, 1]})
    assert votes.membership.ravel().tolist() == [0, 1]
    assert votes.unknown.ravel().tolist() == [1, 0]
