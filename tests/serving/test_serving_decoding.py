"""Decoding of any request, against `json`, NumPy and TensorFlow.

`FUZZ_EXAMPLES=20000` looks at more examples than a run of all tests can wait
for.
"""

import base64
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2

from slice_tf_serving.codes import ApiError
from slice_tf_serving.dtypes import BY_NAME
from slice_tf_serving.json_forms.answers import predictions
from slice_tf_serving.json_forms.document import read_document
from slice_tf_serving.json_forms.examples import parse_examples
from slice_tf_serving.json_forms.requests import read_request
from slice_tf_serving.specs import SignatureSpec, TensorSpec
from slice_tf_serving.tensors import decode, decode_all, fill

MAX_ELEMENTS = 1000
REFUSALS = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}
NUMBERS = ("DT_FLOAT", "DT_DOUBLE", "DT_INT8", "DT_INT32", "DT_UINT8")
NUMBERS += ("DT_INT64", "DT_UINT32", "DT_UINT64", "DT_BOOL")

fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")), database=None
)
texts = st.text(max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | texts
    | st.just({"b64": "eA=="})
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["x", "s", "b64"]) | texts, inner, max_size=3
        )
    ),
    max_leaves=6,
)
documents = st.dictionaries(
    st.sampled_from(
        ["instances", "inputs", "examples", "context", "signature_name"]
    )
    | texts,
    values | st.lists(values, max_size=3),
    max_size=4,
)


def spec_of(*dtypes):
    names = "xsz"[: len(dtypes)]
    inputs = {
        name: TensorSpec(dtype, None, f"{name}:0")
        for name, dtype in zip(names, dtypes, strict=True)
    }
    return SignatureSpec(inputs, {})


def read(body, *dtypes):
    document, _ = read_document(body, MAX_ELEMENTS)
    return read_request(document, spec_of(*dtypes), body).arrays()


def refusal_of(call, *arguments):
    """Returns the code of a refusal; empty for none."""
    try:
        call(*arguments)
    except ApiError as error:
        return error.code.name if error.text else "no text"
    return ""


@fuzzed
@given(
    documents | values,
    st.sampled_from([*NUMBERS, "DT_STRING", "DT_HALF"]),
    st.booleans(),
)
def test_any_json_is_read_or_refused(document, dtype, has_two):
    body = json.dumps(document).encode()
    dtypes = (dtype, "DT_STRING") if has_two else (dtype,)
    assert refusal_of(read, body, *dtypes) in {"", *REFUSALS}
    assert refusal_of(parse_examples, body, MAX_ELEMENTS) in {"", *REFUSALS}


@fuzzed
@given(
    documents,
    st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=4)), max_size=4),
)
def test_damaged_json_is_read_or_refused(document, splices):
    body = bytearray(json.dumps(document).encode())
    for at, part in splices:
        body[at : at + len(part) // 2] = part
    assert refusal_of(read, bytes(body), "DT_FLOAT") in {"", *REFUSALS}
    refusal = refusal_of(parse_examples, bytes(body), MAX_ELEMENTS)
    assert refusal in {"", *REFUSALS}


number_arrays = st.sampled_from(NUMBERS).flatmap(
    lambda name: st.tuples(
        st.just(name),
        arrays_of.arrays(
            BY_NAME[name].array,
            arrays_of.array_shapes(max_dims=3, max_side=4),
        ),
    )
)


@fuzzed
@given(number_arrays, st.booleans())
def test_arrays_are_read_as_json_and_numpy_read_them(named, is_row):
    dtype, array = named
    key = "instances" if is_row else "inputs"
    body = json.dumps({key: array.tolist()}).encode()
    with np.errstate(over="ignore"):
        expected = np.array(json.loads(body)[key], array.dtype)
    (found,) = read(body, dtype).values()
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, expected)


@fuzzed
@given(
    st.lists(st.binary(max_size=6), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_strings_are_read_as_sent(column, is_named, is_row):
    sent = [{"b64": base64.b64encode(one).decode()} for one in column]
    if is_row:
        document = {"instances": [{"x": o} for o in sent] if is_named else sent}
    else:
        document = {"inputs": {"x": sent} if is_named else sent}
    found = read(json.dumps(document).encode(), "DT_STRING")
    assert found["x"].tolist() == column


@fuzzed
@given(number_arrays)
def test_answers_are_read_back_by_json(named):
    _, array = named
    text = predictions({"y": array, "z": array}, is_row=True)
    rows = json.loads(text)["predictions"]
    for name in ("y", "z"):
        with np.errstate(over="ignore"):
            found = np.array([row[name] for row in rows], array.dtype)
        np.testing.assert_array_equal(found, array)


@fuzzed
@given(number_arrays, st.booleans())
def test_tensors_are_read_as_tensorflow_reads_them(named, content):
    dtype, array = named
    proto = tensor_pb2.TensorProto()
    fill(proto, array, BY_NAME[dtype], content=content)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)
    np.testing.assert_array_equal(decode(proto, "x", MAX_ELEMENTS), array)


protos = st.builds(
    tensor_pb2.TensorProto,
    dtype=st.integers(0, 30),
    tensor_shape=st.builds(
        lambda sizes, unknown: {
            "dim": [{"size": size} for size in sizes],
            "unknown_rank": unknown,
        },
        st.lists(
            st.integers(-1, 5) | st.integers(-(2**63), 2**63 - 1), max_size=4
        ),
        st.booleans(),
    ),
    tensor_content=st.binary(max_size=24),
    float_val=st.lists(st.floats(width=32), max_size=3),
    int_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    string_val=st.lists(st.binary(max_size=3), max_size=3),
    half_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=2),
    bool_val=st.lists(st.booleans(), max_size=3),
)


@fuzzed
@given(protos)
def test_any_tensor_is_read_or_refused(proto):
    if refusal_of(decode, proto, "x", MAX_ELEMENTS):
        return
    array = decode(proto, "x", MAX_ELEMENTS)
    assert array.shape == tuple(dim.size for dim in proto.tensor_shape.dim)
    try:
        expected = tf.make_ndarray(proto)
    except (OverflowError, TypeError, ValueError):  # It is stricter.
        return
    if array.size and array.dtype.kind != "O":
        np.testing.assert_array_equal(array, expected)


@fuzzed
@given(st.binary(max_size=200))
def test_any_message_is_read_or_refused(body):
    try:
        request = predict_pb2.PredictRequest.FromString(body)
    except DecodeError:  # gRPC refuses it.
        return
    refusal = refusal_of(decode_all, request.inputs, MAX_ELEMENTS)
    assert refusal in {"", *REFUSALS}


def test_short_message_cannot_claim_a_million_elements():
    proto = tensor_pb2.TensorProto(dtype=1, float_val=[1.0])
    proto.tensor_shape.dim.add(size=1_000_000)
    assert len(proto.SerializeToString()) < 40
    with pytest.raises(ApiError, match="1000000 elements are more than"):
        decode(proto, "x", MAX_ELEMENTS)
