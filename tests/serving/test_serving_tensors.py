import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from slice_tf_serving.codes import ApiError
from slice_tf_serving.dtypes import BY_NAME, of_array
from slice_tf_serving.tensors import decode, fill

ARRAYS = [
    np.array([[1.5, np.nan], [np.inf, -0.0]], "float32"),
    np.array(1e300),
    np.array([[[-(2**31)]], [[2**31 - 1]]], "int32"),
    np.array([0, 255], "uint8"),
    np.array([-(2**15), 7], "int16"),
    np.array([-128, 127], "int8"),
    np.array([[b"a", b"\xff\x00"]], object),
    np.array([-(2**63), 2**63 - 1], "int64"),
    np.array([True, False]),
    np.array([0, 65535], "uint16"),
    np.array([1.5, -65504.0], "float16"),
    np.array([2**32 - 1], "uint32"),
    np.array([2**64 - 1], "uint64"),
    np.zeros((0, 3), "float32"),
    np.array([], object),
]


def test_every_type_is_tried():
    assert {of_array(array).name for array in ARRAYS} == set(BY_NAME)


@pytest.mark.parametrize("content", [True, False])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda one: one.dtype.name)
def test_arrays_come_back_and_tensorflow_agrees(array, content):
    proto = tensor_pb2.TensorProto()
    fill(proto, array, of_array(array), content=content)
    decoded = decode(proto, "x", 100)
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda one: one.dtype.name)
def test_protos_of_tensorflow_are_read(array):
    proto = tf.make_tensor_proto(array)
    np.testing.assert_array_equal(decode(proto, "x", 100), array)


def test_strings_are_read_from_content_as_tensorflow_reads_them():
    strings = [b"ab", b"x" * 300, b"", b"\xff\x80"]
    content = b"\x02\xac\x02\x00\x02" + b"".join(strings)
    proto = proto_of(dtype=7, sizes=[2, 2], tensor_content=content)
    decoded = decode(proto, "x", 100)
    assert decoded.tolist() == [strings[:2], strings[2:]]
    theirs = tf.io.parse_tensor(proto.SerializeToString(), tf.string)
    assert theirs.numpy().tolist() == decoded.tolist()


def proto_of(**fields):
    sizes = fields.pop("sizes", [])
    proto = tf.make_tensor_proto(np.zeros(0, "float32"))
    proto.Clear()
    proto.tensor_shape.SetInParent()
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(proto, name).extend(value)
        else:
            setattr(proto, name, value)
    return proto


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": 0},
        {"dtype": 99},
        {"dtype": 1, "sizes": [-1]},
        {"dtype": 1, "sizes": [2**32, 2**32]},
        {"dtype": 1, "sizes": [0, 2**62]},
        {"dtype": 1, "sizes": [1] * 65},
        {"dtype": 1, "sizes": [4], "tensor_content": b"four"},
        {"dtype": 1, "sizes": [1], "tensor_content": b"8 bytes."},
        {"dtype": 7, "sizes": [1], "tensor_content": b"text"},
        {"dtype": 7, "sizes": [2], "tensor_content": b"\x01\x80"},
        {"dtype": 6, "sizes": [1], "int_val": [300]},
        {"dtype": 4, "sizes": [1], "int_val": [-1]},
    ],
)
def test_malformed_proto_is_refused(fields):
    with pytest.raises(ApiError, match="tensor parsing error: name"):
        decode(proto_of(**fields), "name", 2**40)


def test_elements_are_bounded_before_memory_is_taken():
    proto = proto_of(dtype=1, sizes=[2**40], float_val=[1.0])
    with pytest.raises(ApiError, match="limit of 100"):
        decode(proto, "x", 100)


def test_text_must_be_text():
    array = np.array([1], object)
    with pytest.raises(TypeError, match="Received: type=int"):
        fill(
            tensor_pb2.TensorProto(),
            array,
            BY_NAME["DT_STRING"],
            content=True,
        )
