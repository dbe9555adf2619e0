import gzip
import json

import pytest

from exported_task import made
from slice_tf_serving import ModelServer
from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.limits import Limits
from slice_tf_serving.rest.messages import refusal

PREDICT = "/v1/models/plain:predict"


def answer(http_call, body, path=PREDICT, name="plain"):
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    status, content = http_call(name, "POST", path, text)
    return status, json.loads(content)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"instances": [1, 2.5]}', {"predictions": [2.5, 3.25]}),
        ('{"instances": [{"x": 1}, {"x": 2}]}', {"predictions": [2.5, 3.0]}),
        ('{"instances": [[1], [2]]}', {"predictions": [[2.5], [3.0]]}),
        ('{"inputs": [1, 2.5]}', {"outputs": [2.5, 3.25]}),
        ('{"inputs": {"x": [1]}}', {"outputs": [2.5]}),
        ('{"inputs": {"x": [1], "z": 0}}', {"outputs": [2.5]}),
        ('{"inputs": 1}', {"outputs": 2.5}),
        ('{"inputs": []}', {"outputs": []}),
        ('{"instances": [1]} and more', {"predictions": [2.5]}),
        (b'{"instances": [1]}\n\xff', {"predictions": [2.5]}),
        (b'\xef\xbb\xbf{"instances": [1]}', {"predictions": [2.5]}),
        ('{"a": {}, "instances": [1]}', {"predictions": [2.5]}),
        ('{"instances": [1], "instances": [2]}', {"predictions": [2.5]}),
        (
            '{"instances": [{"x": 1, "x": 2}, {"x": 3}]}',
            {"predictions": [2.5, 3.0]},
        ),
        (
            '{"signature_name": "text", "inputs": {"a": 1, "s": "\\udc00"}}',
            {
                "outputs": {
                    "half": 0.5,
                    "echo": "\ufffd\ufffd\ufffd",
                    "echo_bytes": {"b64": "7bCA"},
                }
            },
        ),
        (f'{{"instances": [1], "n": {"[" * 500_000 + "]" * 500_000}}}', None),
        (
            '{"signature_name": "total", "inputs": [1, 2]}',
            {"outputs": 3.0},
        ),
        (
            '{"signature_name": "text", "instances": [{"a": 1, "s": "x"}, '
            '{"a": 3, "s": {"b64": "eQ"}}]}',
            {
                "predictions": [
                    {"half": 0.5, "echo": "x", "echo_bytes": {"b64": "eA=="}},
                    {"half": 1.5, "echo": "y", "echo_bytes": {"b64": "eQ=="}},
                ]
            },
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": ["x"]}}',
            {
                "outputs": {
                    "half": [0.5],
                    "echo": ["x"],
                    "echo_bytes": [{"b64": "eA=="}],
                }
            },
        ),
        (
            '{"signature_name": "text", "inputs": {"a": 1, "s": {"b64": '
            '" e Q = =\\n"}}}',
            {
                "outputs": {
                    "half": 0.5,
                    "echo": "y",
                    "echo_bytes": {"b64": "eQ=="},
                }
            },
        ),
    ],
)
def test_rows_and_columns_are_answered_in_kind(body, expected, http_call):
    expected = expected or {"predictions": [2.5]}
    assert answer(http_call, body) == (200, expected)


def test_numbers_that_json_lacks_are_written(http_call):
    body = '{"instances": [NaN, Infinity, -Infinity, 1e300]}'
    status, content = http_call("plain", "POST", PREDICT, body)
    expected = b'{"predictions":[NaN,Infinity,-Infinity,Infinity]}'
    assert (status, content) == (200, expected)


def test_numbers_that_json_lacks_are_read_however_spelled(http_call):
    body = '{"Inf": "-NaN", "instances": [Inf, -Inf, NaN, -NaN, -Infinity]}'
    status, content = http_call("plain", "POST", PREDICT, body)
    expected = b'{"predictions":[Infinity,-Infinity,NaN,NaN,-Infinity]}'
    assert (status, content) == (200, expected)


def test_floats_are_written_short(http_call):
    status, content = http_call(
        "plain", "POST", PREDICT, '{"instances": [0.2, 2e20]}'
    )
    assert (status, content) == (200, b'{"predictions":[2.1,1e+20]}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "JSON Parse error: The document is empty"),
        (" \n", "The document is empty. at offset: 2"),
        ("{", "Missing a name for object member. at offset: 1"),
        ('{"a" 1}', "Missing a colon after a name of object member."),
        ('{"a": 1 "b"}', "Missing a comma or '}' after an object member."),
        ('{"a": [1 2]}', "Missing a comma or ']' after an array element."),
        ('{"a": }', "Invalid value. at offset: 6"),
        ('{"a": [1.]}', "Miss fraction part in number. at offset: 9"),
        ('{"a": [1.5e-]}', "Miss exponent in number. at offset: 12"),
        ('{"a": -}', "Invalid value. at offset: 7"),
        ('{"a": [01]}', "Missing a comma or ']' after an array element."),
        ('{"a": Infinite}', "Invalid value."),
        ('{"\u00e9'.encode(), "Missing a closing quotation mark in string."),
        ('{"a\n": 1}', "Invalid escape character in string. at offset: 3"),
        (r'{"\x": 1}', "Invalid escape character in string."),
        (r'{"\u12": 1}', "Incorrect hex digit after \\u escape in string."),
        (b'{"inputs": "\xff"}', "JSON Parse error: Invalid encoding"),
        (b'{"inputs": "\xff",}', "Missing a name for object member."),
        ('"x"', 'JSON Value: "x" Is not object'),
        ("{}", "Missing 'inputs' or 'instances' key"),
        (
            '{"inputs": 1, "instances": [1]}',
            "expecting only one of 'inputs' or 'instances' keys to exist",
        ),
        ('{"instances": 1}', "Expecting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        (
            '{"signature_name": 1, "instances": [1]}',
            "'signature_name' key must be a string value",
        ),
        (
            '{"signature_name": "\\ud800", "instances": [1]}',
            "JSON Parse error: The surrogate pair",
        ),
        (
            '{"signature_name": "nope", "instances": [1]}',
            'Serving signature name: "nope" not found in signature def',
        ),
        (
            '{"signature_name": "__saved_model_init_op", "instances": [1]}',
            "Failed to get input map for signature: __saved_model_init_op",
        ),
        (
            ' {"a": "1e400", "instances": [1e400]}',
            "Number too big to be stored in double. at offset: 30",
        ),
        (
            f'{{"instances": [1e400, {"[" * 5000}{"]" * 5000}]}}',
            "Number too big to be stored in double. at offset: 15",
        ),
        (
            r' {"a": "\\ud800 \ud83d\ude00 \ud83d", "instances": [1]}',
            "The surrogate pair in string is invalid. at offset: 29",
        ),
        (
            '{"inputs": {"a": [1, {"b": "x"}], "c": {}}, "instances": 2.5}',
            'JSON Value: {\n    "inputs": {\n        "a": [1, {\n'
            '                "b": "x"\n            }],\n        "c": {}\n'
            '    },\n    "instances": 2.5\n} Not formatted correctly',
        ),
        (
            '{"signature_name": 1e-3, "inputs": [NaN, 2]}',
            'JSON Value: {\n    "signature_name": 0.001,\n    "inputs": ['
            " not formatted correctly.",
        ),
        (
            '{"inputs": "x", "instances": 12345678901234567890}',
            '"instances": 12345678901234567890\n}',
        ),
        (
            '{"instances": [[1e21, 1e22, -0.0, 1e-7, 1e-5, "x"]]}',
            'JSON Value: "x" Type: String',
        ),
        (
            '{"inputs": [[1e20], [1e22, -0.0, 1e-7, 1e-5]], "instances": 0}',
            '"inputs": [[100000000000000000000.0], [1e22, -0.0, 1e-7, '
            '0.00001]],\n    "instances": 0\n}',
        ),
        (
            '{"instances": ["x"]}',
            "Failed to process element: 0 of 'instances' list. Error: "
            'INVALID_ARGUMENT: JSON Value: "x" Type: String is not of '
            "expected type: float",
        ),
        (
            '{"instances": [1, true]}',
            "Failed to process element: 1 of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON Value: true Type: True is not of "
            "expected type: float",
        ),
        ('{"instances": [null]}', "Type: Null is not of expected type: float"),
        (
            '{"instances": [[1, 2], [3]]}',
            "element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 2 but got: 1",
        ),
        (
            '{"instances": [[1, 2], [[3, 4]]]}',
            "Expecting shape [2] but got: [1,2]",
        ),
        (
            '{"instances": [[[1, 2], [3]]]}',
            "Encountered list at unexpected size: 1 at level: 1 expected "
            "size: 2",
        ),
        (
            '{"instances": [[[1], 2]]}',
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. "
            "Expected at level: 2",
        ),
        (
            '{"instances": [[1, [2]]]}',
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            '{"instances": [{"x": "a"}, 2]}',
            "element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            '{"instances": [{"x": 1}, 2]}',
            "Expecting object but got list at item 1 of input list",
        ),
        (
            '{"instances": [1, {"x": 2}]}',
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            '{"instances": [{"q": 1}]}',
            "element: 0 key: q of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: q",
        ),
        (
            '{"signature_name": "text", "instances": [{"a": 1}]}',
            "keys must be equal to: a,s",
        ),
        (
            '{"signature_name": "text", "instances": [1]}',
            "instances is a plain list, but expecting list of objects",
        ),
        (
            '{"signature_name": "text", "inputs": [1]}',
            "inputs is a plain value/list, but expecting an object",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1]}}',
            "Missing named input: s in 'inputs' object.",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": [2]}}',
            "JSON Value: 2 Type: Number is not of expected type: string",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": '
            '[{"b64": "=?"}]}}',
            "Unable to base64 decode",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": '
            '[{"b64": "eQ="}]}}',
            "Unable to base64 decode",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": '
            '[{"b64": "eQ====="}]}}',
            "Unable to base64 decode",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": [1], "s": [{}]}}',
            "not formatted correctly for base64 data",
        ),
        (
            '{"signature_name": "int32", "instances": [1.0]}',
            "JSON Value: 1.0 Type: Number is not of expected type: int32",
        ),
        (
            '{"signature_name": "int64", "instances": [9223372036854775808]}',
            "is not of expected type: int64",
        ),
        (
            '{"signature_name": "int8", "instances": [300]}',
            "JSON Value: 300 Type: Number is not of expected type: int8",
        ),
        (
            '{"signature_name": "bool", "instances": [1]}',
            "Type: Number is not of expected type: bool",
        ),
        (
            '{"signature_name": "float16", "instances": [1]}',
            "Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: half",
        ),
        (
            '{"signature_name": "text", "inputs": {"a": 1, "s": '
            '{"b64": "eQ", "b64": "eQ"}}}',
            "not formatted correctly for base64 data",
        ),
        (
            '{"signature_name": "half_out", "instances": [1]}',
            "Failed to write JSON value for tensor type: half",
        ),
        (
            '{"signature_name": "unequal", "instances": [1, 2]}',
            "has inconsistent batch size",
        ),
        (
            '{"signature_name": "total", "instances": [1]}',
            "Tensor name: y has no shape information",
        ),
        (
            '{"signature_name": "matmul", "instances": [[1, 2, 3]]}',
            "Matrix size-incompatible",
        ),
    ],
)
def test_wrong_request_is_told_in_tensorflow_serving_s_words(
    body, error, http_call
):
    status, content = answer(http_call, body)
    assert status == 400
    assert content.keys() == {"error"}
    assert error in content["error"]


def test_wrong_shape_is_refused_by_the_exported_graph(http_call):
    status, content = answer(
        http_call,
        {"instances": [{"x": [[1.0, 2.0]]}]},
        "/v1/models/binary:predict",
        "binary",
    )
    assert status == 400
    assert "[1,1,2] is not compatible with expected" in content["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/statuspage", 404, "<html>"),
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("PUT", PREDICT, 400, f"Malformed request: PUT {PREDICT}"),
        ("POST", "/v1/models", 400, "Malformed request: POST /v1/models"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        (
            "POST",
            "/v1/models/plain:classify",
            400,
            "key 'examples' is expected and was not found",
        ),
        (
            "POST",
            "/v1/models/no%2Fpe:predict",
            404,
            "Servable not found for request: Latest(no/pe)",
        ),
        (
            "POST",
            "/v1/models/plain/versions/9:predict",
            404,
            "Servable not found for request: Specific(plain, 9)",
        ),
        (
            "POST",
            "/v1/models/plain/labels/none:predict",
            400,
            "Unrecognized servable version label: none",
        ),
        (
            "GET",
            "/v1/models/nope/metadata",
            404,
            "Servable not found for request: Latest(nope)",
        ),
        (
            "GET",
            "/v1/models/nope",
            404,
            "Could not find any versions of model nope",
        ),
        (
            "GET",
            "/v1/models/plain/versions/9",
            404,
            "Could not find version 9 of model plain",
        ),
        ("POST", f"/v1/models/plain/versions/{2**64}:predict", 400, ""),
        (
            "POST",
            f"{PREDICT}?verbose=1",
            400,
            f"Malformed request: POST {PREDICT}?verbose=1",
        ),
        (
            "GET",
            "/v1/models/plain?verbose=1",
            404,
            "Could not find any versions of model plain?verbose=1",
        ),
        ("GET", "/v1/models/plain/METADATA", 200, "model_version_status"),
        ("GET", "/v1/models/pl%zz", 400, "Bad Request"),
        ("GET", "/v1/models/{plain}", 400, "Bad Request"),
        ("GET", "/v1/models/a?b={}", 400, "Bad Request"),
        ("GET", "/v1/models/a#b", 404, "any versions of model a#b"),
        ("DELETE", "/v1/models/plain", 400, "Malformed request: DELETE"),
        ("TRACE", "/v1/models/plain", 501, "Not Implemented"),
    ],
)
def test_wrong_url_is_told(method, path, status, text, http_call):
    received = http_call("plain", method, path, '{"instances": [1]}')
    assert received[0] == status
    assert text in received[1].decode()


def test_status_says_that_the_version_is_available(http_call):
    status, content = http_call("plain", "GET", "/v1/models/plain")
    assert status == 200
    assert (
        content.decode()
        == """{
 "model_version_status": [
  {
   "version": "123",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""
    )


def test_metadata_describes_signatures_as_protos(http_call):
    path = "/v1/models/binary/metadata"
    status, content = http_call("binary", "GET", path)
    assert content.startswith(b'{\n"model_spec":{\n "name": "binary",\n')
    values = json.loads(content)
    one = values["metadata"]["signature_def"]["signature_def"]["examples"]
    assert status == 200
    assert values["model_spec"] == {
        "name": "binary",
        "signature_name": "",
        "version": "1",
    }
    assert one["inputs"] == {
        "examples": {
            "dtype": "DT_STRING",
            "tensor_shape": {
                "dim": [{"size": "-1", "name": ""}],
                "unknown_rank": False,
            },
            "name": "examples_examples:0",
        }
    }


def test_version_can_be_named_and_case_of_the_path_ignored(http_call):
    path = "/V1/Models/plain/Versions/123:predict"
    assert answer(http_call, {"instances": [1]}, path) == (
        200,
        {"predictions": [2.5]},
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b'{"instances": [1]}'), 200),
        (b"no gzip", 400),
        (gzip.compress(b'{"instances": [1]}')[:-1], 400),
        (gzip.compress(b'{"instances": [1]}') + b"x", 400),
    ],
    ids=["whole", "none", "cut", "more"],
)
def test_body_may_be_packed(body, status, http_call):
    received = http_call(
        "plain", "POST", PREDICT, body, Content_Encoding="gzip"
    )
    assert received[0] == status


@pytest.fixture(scope="module")
def small_server(base_dirs):
    limits = Limits(request_bytes=1000, elements=20)
    with ModelServer(base_dirs["plain"], "plain", limits=limits) as server:
        yield server


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b'{"instances": [%s]}' % b",".join([b"1"] * 20), 200, ""),
        (
            b'{"instances": [%s]}' % b",".join([b"1"] * 21),
            429,
            "more values than this server's limit of 20",
        ),
        (
            b'{"instances": [1], "n": %s' % (b"[" * 20),
            429,
            "more values than this server's limit of 20",
        ),
        (b" " * 1001, 413, "larger than this server's limit of 1000 bytes"),
        (
            gzip.compress(b" " * 10**6),
            413,
            "larger than this server's limit of 1000 bytes",
        ),
    ],
)
def test_request_is_bounded(body, status, text, small_server, raw_call):
    headers = {"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {}
    received = raw_call(small_server.rest_port, "POST", PREDICT, body, headers)
    assert received[0] == status
    assert text in received[1].decode()


def test_body_in_chunks_is_bounded_too(small_server, raw_call):
    chunks = iter([b" " * 600, b" " * 600])
    received = raw_call(small_server.rest_port, "POST", PREDICT, chunks, {})
    assert received[0] == 413


def test_served_rows_are_named_like_the_outputs(http_call):
    one = made("multi_class")
    rows = [
        {"x": x.tolist(), "n": int(n)}
        for x, n in zip(one.features["x"], one.features["n"], strict=True)
    ]
    path = "/v1/models/multi_class:predict"
    status, content = answer(
        http_call, {"instances": rows}, path, "multi_class"
    )
    expected = one.expected("serving_default")
    assert status == 200
    assert [row["class_ids"] for row in content["predictions"]] == expected[
        "class_ids"
    ].tolist()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (PREDICT, {"Origin": "https://a"}, 200),
        (PREDICT, {"Origin": "a"}, 400),
        (PREDICT, {}, 400),
        ("/foo", {"Origin": "https://a"}, 404),
    ],
)
def test_browsers_ask_first(path, headers, status, http_call):
    found, content = http_call("plain", "OPTIONS", path, **headers)
    assert (found, content if path == PREDICT else b"") == (status, b"")


@pytest.mark.parametrize("code", Code)
def test_every_code_can_be_answered(code):
    written = refusal(ApiError(code, "why")).written(
        b"now", is_last=False, is_head=False
    )
    head, _, body = written.partition(b"\r\n\r\n")
    start = f"HTTP/1.1 {code.http_status} "
    assert head.startswith(start.encode())
    assert json.loads(body) == {"error": "why"}
