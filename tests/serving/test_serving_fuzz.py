"""Whatever bytes come, the right kind of error goes back."""

import json
import random

import grpc
import pytest
from tensorflow_serving.apis import classification_pb2

from slice_tf_serving.codes import ApiError
from slice_tf_serving.json_forms.document import read_document
from slice_tf_serving.json_forms.examples import parse_examples
from slice_tf_serving.json_forms.requests import read_request
from slice_tf_serving.specs import SignatureSpec, TensorSpec

ROUNDS = 1000
MAX_ELEMENTS = 1000
SPEC = SignatureSpec(
    {
        "a": TensorSpec("DT_FLOAT", (None,), "a:0"),
        "s": TensorSpec("DT_STRING", (None,), "s:0"),
    },
    {"y": TensorSpec("DT_FLOAT", (None,), "y:0")},
)
BODIES = [
    {"instances": [{"a": 1.5, "s": "x"}, {"a": -2, "s": {"b64": "eQ=="}}]},
    {"inputs": {"a": [[1, 2], [3, 4]], "s": ["x", "y"]}},
    {"signature_name": "z", "instances": [{"a": [1e30], "s": [["\ud83d"]]}]},
    {"context": {"q": [1, 2]}, "examples": [{"x": [0.5]}, {"y": ["a"]}]},
]
SPLICES = [
    *(b'{"[]}', b"[[[[", b"}}}}", b'"a":', b"null", b"1e999", b"-", b"NaN"),
    *(b"\xff\xfe", b"\\ud800", b"\x00", b"9" * 40, b',"a":1', b"true"),
]


def mutated(content, rng):
    """Cuts, doubles, flips and splices bytes."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            del content[at : at + rng.randint(1, 8)]
        elif kind == 1:
            content[at:at] = content[at : at + rng.randint(1, 16)]
        elif kind == 2 and at < len(content):
            content[at] = rng.randrange(256)
        else:
            content[at:at] = rng.choice(SPLICES)
    return bytes(content)


def read_arrays(body, max_elements):
    document, _ = read_document(body, max_elements)
    return read_request(document, SPEC, body).arrays()


@pytest.mark.parametrize("seed", range(4))
def test_json_is_read_or_refused(seed):
    rng = random.Random(seed)
    original = json.dumps(BODIES[seed]).encode()
    read, refused = 0, set()
    for _ in range(ROUNDS):
        body = mutated(original, rng)
        for reader in (read_arrays, parse_examples):
            try:
                reader(body, MAX_ELEMENTS)
                read += 1
            except ApiError as error:
                refused.add(error.code.name)
    assert read > 0
    assert refused <= {
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "UNIMPLEMENTED",
    }


def test_server_outlives_random_requests(servers, raw_call):
    rng = random.Random(11)
    server = servers["plain"]
    bodies = [json.dumps(one).encode() for one in BODIES]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        service = "/tensorflow.serving.PredictionService"
        calls = [
            channel.unary_unary(f"{service}/{name}")
            for name in ("Predict", "Classify", "MultiInference")
        ]
        request = classification_pb2.ClassificationRequest()
        request.model_spec.name = "plain"
        request.model_spec.signature_name = "classify"
        request.input.example_list.examples.add()
        for _ in range(100):
            verb = rng.choice(("predict", "classify", "regress"))
            path = f"/v1/models/plain:{verb}"
            body = mutated(rng.choice(bodies), rng)
            status, _ = raw_call(server.rest_port, "POST", path, body, {})
            assert status in (200, 400, 429, 501)
            with pytest.raises(grpc.RpcError) as refused:
                rng.choice(calls)(
                    mutated(request.SerializeToString(), rng), timeout=60
                )
            assert refused.value.code().name not in ("UNAVAILABLE", "OK")
    url = "/v1/models/plain:predict"
    answer = raw_call(server.rest_port, "POST", url, b'{"instances":[1]}', {})
    assert answer == (200, b'{"predictions":[2.5]}')
