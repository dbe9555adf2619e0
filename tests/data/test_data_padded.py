import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import Feature, FeatureSpec, encode
from slice_tf.data.check import check_record
from slice_tf.data.parse import fill_up, make_parser, parse_specs
from slice_tf.schema import SliceSchema

SPEC = FeatureSpec(
    {
        "n": Feature("int64", (3,), padded=True),
        "words": Feature("string", (2,), padded=True),
    }
)
SCHEMA = SliceSchema.from_names(["a"])


def record(numbers, words=()):
    features = {
        "n": np.array(numbers, "int64"),
        "words": np.array(words, "S"),
        "label": 1,
        "slices/membership": [0],
    }
    return encode(features)


RECORDS = [record([1, 2, 3], ["x"]), record([]), record([4], ["y", "z"])]


def test_lists_are_filled_up_with_nothing():
    batches = tf.data.Dataset.from_tensors(tf.constant(RECORDS))
    ((features, _),) = make_parser(SPEC, SCHEMA)(batches)
    assert features["n"].numpy().tolist() == [[1, 2, 3], [0, 0, 0], [4, 0, 0]]
    assert features["words"].numpy().tolist() == [
        [b"x", b""],
        [b"", b""],
        [b"y", b"z"],
    ]


@pytest.mark.parametrize("others", [[], [record([1])]])
def test_longer_list_fails_its_batch(others):
    records = [*others, record([1, 2, 3, 4])]
    parsed = tf.io.parse_example(records, parse_specs(SPEC))
    message = "n has more than 3 values"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        fill_up(parsed, SPEC)


def test_records_may_hold_fewer_values_and_no_more():
    for one in RECORDS:
        check_record(one, SPEC, SCHEMA)
    with pytest.raises(ValueError, match="'n', dtype=int64, values=4"):
        check_record(record([1, 2, 3, 4]), SPEC, SCHEMA)


def test_spec_says_what_is_padded():
    spec = FeatureSpec.parse(["n=int64:max3", "words=string:max2"])
    assert spec == SPEC
    assert FeatureSpec.from_dict(SPEC.to_dict()) == SPEC


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_only_lists_are_padded(shape):
    with pytest.raises(ValueError, match="must be a list"):
        Feature("int64", shape, padded=True)


def test_size_of_a_list_must_be_named():
    with pytest.raises(ValueError, match=r"\(None,\).*`padded=True`"):
        Feature("int64", (None,))
