import contextlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import decode, encode


def features_of(seed):
    """Returns features of every kind and what TensorFlow calls the same."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 50)
    integers = rng.integers(-(2**63), 2**63 - 1, size)
    floats = rng.normal(size=size).astype(np.float32)
    strings = [rng.bytes(n) for n in rng.integers(0, 300, size)]
    lists = {
        "ints": tf.train.Feature(int64_list={"value": integers}),
        "floats": tf.train.Feature(float_list={"value": floats}),
        "bytes": tf.train.Feature(bytes_list={"value": strings}),
    }
    features = {"ints": integers, "floats": floats, "bytes": strings}
    return features, tf.train.Example(features={"feature": lists})


@pytest.mark.parametrize("seed", range(10))
def test_bytes_are_those_of_tensorflow(seed):
    features, message = features_of(seed)
    expected = message.SerializeToString(deterministic=True)
    assert encode(features) == expected
    assert decode(expected).SerializeToString(deterministic=True) == expected


def test_order_of_features_does_not_matter():
    assert encode({"b": 1, "a": 2}) == encode({"a": 2, "b": 1})


VALUES = {
    "text": ("é", "bytes_list", ["é".encode()]),
    "bytes": (b"\xff", "bytes_list", [b"\xff"]),
    "texts": (("a", b"b"), "bytes_list", [b"a", b"b"]),
    "text array": (np.array(["a", "é"]), "bytes_list", [b"a", "é".encode()]),
    "objects": (np.array(["a"], object), "bytes_list", [b"a"]),
    "int": (-3, "int64_list", [-3]),
    "bool": (True, "int64_list", [1]),
    "bool array": (np.array([True, False]), "int64_list", [1, 0]),
    "numpy int": (np.uint8(7), "int64_list", [7]),
    "float": (0.5, "float_list", [0.5]),
    "numpy float": ([np.float64(0.5)], "float_list", [0.5]),
    "matrix": (np.array([[1, 2], [3, 4]]), "int64_list", [1, 2, 3, 4]),
    "scalar array": (np.array(1.5), "float_list", [1.5]),
    "no ints": (np.array([], np.int64), "int64_list", []),
    "no texts": (np.array([], "U"), "bytes_list", []),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_kind_of_its_type(name):
    value, kind, expected = VALUES[name]
    feature = decode(encode({"x": value})).features.feature.get("x")
    assert feature.WhichOneof("kind") == kind
    assert list(getattr(feature, kind).value) == expected


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([], ValueError, r"feature='x', value=\[\]"),
        ([1, "a"], TypeError, "kinds=bytes_list, int64_list"),
        ([1, 0.5], TypeError, "kinds=float_list, int64_list"),
        (None, TypeError, "feature='x', type=NoneType"),
        ({"a": 1}, TypeError, "type=dict"),
        ([[1, 2]], TypeError, "type=list"),
        (np.array([None]), TypeError, "type=NoneType"),
        (np.array([1j]), TypeError, "type=complex"),
        (2**63, ValueError, "must fit into 64 bits.*feature='x'"),
    ],
)
def test_other_values_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        encode({"x": value})


def test_junk_raises_nothing_but_value_errors():
    rng = np.random.default_rng(0)
    for size in range(1, 300):
        junk = b"\x0a" + rng.bytes(size)
        with contextlib.suppress(ValueError):
            decode(junk)


def test_what_is_no_example_is_refused():
    message = "serialized `tf.train.Example`.*Received: bytes=2, error="
    with pytest.raises(ValueError, match=message):
        decode(b"\xff\xfe")


def test_reading_records_does_not_load_tensorflow():
    program = (
        "import sys, slice_tf.data, slice_tf.slicing;"
        "heavy = {'tensorflow', 'keras', 'apache_beam'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
