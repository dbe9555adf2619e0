import numpy as np
import pytest

from slice_tf.data import decode, encode
from slice_tf.slicing import Row

FEATURES = {
    "text": "héllo",
    "blob": b"\xff",
    "words": ["a", "b"],
    "age": 7,
    "ages": [7, 8],
    "price": 0.5,
    "prices": [0.5, 1.5],
    "none": np.array([], np.float32),
}

ACCESSORS = ("text", "texts", "bytes", "int", "ints", "float", "floats")


def from_example(features):
    return Row.from_example(decode(encode(features)))


@pytest.fixture(params=[from_example, Row.from_mapping])
def row(request):
    return request.param(FEATURES)


def test_single_values_are_read_by_kind(row):
    assert row.text("text") == row.text("text") == "héllo"
    assert row.bytes("text") == "héllo".encode()
    assert row.bytes("blob") == b"\xff"
    assert row.int("age") == 7
    assert row.float("price") == 0.5


@pytest.mark.parametrize(
    ("accessor", "key", "expected"),
    [
        ("ints", "age", np.array([7], np.int64)),
        ("ints", "ages", np.array([7, 8], np.int64)),
        ("floats", "prices", np.array([0.5, 1.5], np.float32)),
        ("floats", "none", np.array([], np.float32)),
    ],
)
def test_several_values_are_read_as_an_array(row, accessor, key, expected):
    found = getattr(row, accessor)(key)
    np.testing.assert_array_equal(found, expected, strict=True)
    assert getattr(row, accessor)(key) is found


def test_several_texts_are_a_list_also_where_there_is_one(row):
    assert row.texts("words") == ["a", "b"]
    assert row.texts("text") == ["héllo"]
    with pytest.raises(TypeError, match="holds=int64, read as=bytes"):
        row.texts("ages", default=[])


def test_arrays_cannot_be_written_to(row):
    with pytest.raises(ValueError, match="read-only"):
        row.ints("ages")[0] = 1


def test_natural_values_come_by_subscript(row):
    values = {key: row[key] for key in row if key != "none"}
    assert values == {
        "text": "héllo".encode(),
        "blob": b"\xff",
        "words": [b"a", b"b"],
        "age": 7,
        "ages": [7, 8],
        "price": 0.5,
        "prices": [0.5, 1.5],
    }


def test_names_are_known(row):
    assert row.keys() == sorted(FEATURES)
    assert "age" in row
    assert "wage" not in row
    assert row.keys() == sorted(FEATURES)
    assert repr(row) == f"Row({', '.join(sorted(FEATURES))})"


@pytest.mark.parametrize("accessor", ACCESSORS)
def test_a_missing_feature_is_the_default_or_an_error(row, accessor):
    read = getattr(row, accessor)
    assert read("wages", default=None) is None
    message = "feature='wages', features=age, ages, blob.*mean ages"
    with pytest.raises(ValueError, match=message):
        read("wages")


def test_a_missing_feature_cannot_be_subscripted(row):
    with pytest.raises(ValueError, match="feature='wages'"):
        row["wages"]


def test_a_feature_without_a_value_is_missing(row):
    assert row.float("none", default=1.0) == 1.0
    with pytest.raises(ValueError, match="feature='none'"):
        row.float("none")


@pytest.mark.parametrize(
    ("accessor", "key", "message"),
    [
        ("text", "age", "feature='age', holds=int64, read as=bytes.*`int`"),
        ("bytes", "price", "holds=float, read as=bytes. Use `float`"),
        ("int", "text", "holds=bytes, read as=int64. Use `text`"),
        ("float", "age", "holds=int64, read as=float. Use `int`"),
        ("ints", "prices", "holds=float, read as=int64"),
        ("floats", "ages", "holds=int64, read as=float"),
    ],
)
def test_a_feature_of_another_kind_is_refused(row, accessor, key, message):
    with pytest.raises(TypeError, match=message):
        getattr(row, accessor)(key)
    with pytest.raises(TypeError, match=message):
        getattr(row, accessor)(key, default=0)


def test_several_values_are_not_one(row):
    with pytest.raises(ValueError, match="feature='ages', values=2"):
        row.int("ages", default=0)


def test_text_must_be_unicode(row):
    with pytest.raises(UnicodeDecodeError):
        row.text("blob")


def test_reading_never_changes_the_message():
    message = decode(encode(FEATURES))
    before = message.SerializeToString(deterministic=True)
    row = Row.from_example(message)
    for accessor in ACCESSORS:
        getattr(row, accessor)("absent", default=None)
    assert "absent" not in row
    assert "absent" not in list(row)
    assert message.SerializeToString(deterministic=True) == before


def test_a_feature_without_a_kind_is_missing():
    message = decode(b"")
    message.features.feature["empty"].SetInParent()
    row = Row.from_example(message)
    assert row.int("empty", default=3) == 3
    assert "empty" not in row
    assert "empty" not in Row.from_mapping({"empty": []})


def test_a_message_of_tensorflow_is_read():
    import tensorflow as tf

    message = tf.train.Example.FromString(encode(FEATURES))
    assert Row.from_example(message).text("text") == "héllo"


@pytest.mark.parametrize("value", [None, [None], [1, "a"], {"a": 1}, 1j])
def test_other_values_cannot_be_in_a_row(value):
    with pytest.raises(TypeError, match=r"str, bytes, int.*feature='x'"):
        Row.from_mapping({"x": value})


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        np.array([1, 2**63], np.uint64),
        [2**63, 1],  # A float64 array, if NumPy has its way.
        [1, np.uint64(2**63)],
        (-(2**63), 2**63),
    ],
)
def test_an_integer_that_no_example_holds_is_refused(value):
    message = r"fit 64 bits.*value=9223372036854775808$"
    with pytest.raises(TypeError, match=message):
        Row.from_mapping({"x": value})


def test_whole_numbers_among_floats_are_floats():
    row = Row.from_mapping({"x": [2**63, 0.5]})
    np.testing.assert_array_equal(row.floats("x"), [2.0**63, 0.5])
