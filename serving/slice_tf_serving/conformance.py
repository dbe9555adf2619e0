r"""Asks a model server recorded questions and compares its answers.

The cases are a JSON file: requests over REST and gRPC, each with the status
and the text that TensorFlow Serving's model server answers. Any server can be
asked, this package's or the real one::

    python -m slice_tf_serving.conformance CASES.json \
        --rest 127.0.0.1:8501 --grpc 127.0.0.1:8500
"""

import argparse
import dataclasses
import gzip
import http.client
import json
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

# Where this package's server differs on purpose: integers that do not fit
# their type are refused, where TensorFlow Serving wraps them.
DIFFERENCES = {
    "rest-int8-wraps": "is not of expected type: int8",
    "rest-uint8-negative": "is not of expected type: uint8",
}

_TIMEOUT_SECONDS = 60
_REPEATED = re.compile(r"'(.)'\*(\d+)")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a server did on one case.

    Args:
        case_id: Name of the case.
        expected: What it should have answered.
        received: What it answered.
        reason: Why that is not the same; empty where it is.
    """

    case_id: str
    expected: Mapping[str, Any]
    received: str
    reason: str


def read_cases(path: str | pathlib.Path) -> list[dict[str, Any]]:
    """Returns the cases of a file."""
    document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    cases: list[dict[str, Any]] = document["cases"]
    return cases


def run_cases(
    cases: Sequence[Mapping[str, Any]], rest: str, grpc: str
) -> list[Outcome]:
    """Asks a server all cases.

    Args:
        cases: What `read_cases` returns.
        rest: `host:port` of the REST API.
        grpc: `host:port` of gRPC.

    Returns:
        One outcome a case, in order.
    """
    return [
        _ask_rest(case, rest)
        if case["transport"] == "rest"
        else _ask_grpc(case, grpc)
        for case in cases
    ]


def _ask_rest(case: Mapping[str, Any], address: str) -> Outcome:
    request, expected = case["request"], case["expect"]
    body, headers = _body(request["body"]), dict(request.get("headers", {}))
    is_gzip = headers.get("Content-Encoding") == "gzip"
    if is_gzip and expected["status"] == 200:
        body = gzip.compress(body)
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(request["method"], request["path"], body, headers)
        response = connection.getresponse()
        status, text = response.status, response.read().decode()
    finally:
        connection.close()
    reason = _rest_reason(expected, status, text)
    return Outcome(case["id"], expected, f"{status} {text}", reason)


def _body(body: Any) -> bytes:
    """Returns the body of a request; deep nesting is written out."""
    if isinstance(body, dict):
        body = _REPEATED.sub(lambda m: m[1] * int(m[2]), body["generate"])
    return str(body).encode()


def _rest_reason(expected: Mapping[str, Any], status: int, text: str) -> str:
    if status != expected["status"]:
        return f"status {status}, not {expected['status']}"
    if expected.get("body_empty") and text:
        return "the body is not empty"
    if "json" in expected and json.loads(text) != expected["json"]:
        return f"the body is not {json.dumps(expected['json'])}"
    try:
        said = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        said = ""
    for part in expected.get("body_contains", ()):
        if part not in text and part not in said:
            return f"the body does not hold {part!r}"
    return ""


def _ask_grpc(case: Mapping[str, Any], address: str) -> Outcome:
    import grpc
    from google.protobuf import text_format

    expected = case["expect"]
    service, _, name = case["request"]["rpc"].rpartition("/")
    request_type, response_type = _messages(name)
    request = text_format.Parse(case["request"]["text_proto"], request_type())
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            f"/{service}/{name}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )
        try:
            response = call(request, timeout=_TIMEOUT_SECONDS)
            status = "OK"
            text = text_format.MessageToString(response, as_one_line=True)
        except grpc.RpcError as error:
            status, text = error.code().name, error.details()
    reason = _grpc_reason(expected, status, text)
    return Outcome(case["id"], expected, f"{status} {text}", reason)


def _grpc_reason(expected: Mapping[str, Any], status: str, text: str) -> str:
    if status != expected["status"]:
        return f"status {status}, not {expected['status']}"
    for part in expected.get("message_contains", ()):
        if _short(part) not in _short(text):
            return f"the message does not hold {part!r}"
    return ""


def _short(text: str) -> str:
    """Writes numbers as C++ does, which prints one of 3.0 as 3."""
    return _NUMBER.sub(lambda match: f"{float(match[0]):g}", text)


def _messages(name: str) -> tuple[Any, Any]:
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        predict_pb2,
        regression_pb2,
    )

    module, stem = {
        "Predict": (predict_pb2, "Predict"),
        "Classify": (classification_pb2, "Classification"),
        "Regress": (regression_pb2, "Regression"),
        "MultiInference": (inference_pb2, "MultiInference"),
        "GetModelMetadata": (get_model_metadata_pb2, "GetModelMetadata"),
        "GetModelStatus": (get_model_status_pb2, "GetModelStatus"),
        "HandleReloadConfigRequest": (model_management_pb2, "ReloadConfig"),
    }[name]
    return getattr(module, f"{stem}Request"), getattr(module, f"{stem}Response")


def main(argv: Sequence[str] | None = None) -> int:
    """Prints each case that differs; returns 1 if there is one."""
    parser = argparse.ArgumentParser(
        prog="python -m slice_tf_serving.conformance",
        description="Asks a model server recorded questions.",
    )
    parser.add_argument("cases", help="JSON file of cases")
    parser.add_argument("--rest", required=True, help="host:port of REST")
    parser.add_argument("--grpc", required=True, help="host:port of gRPC")
    flags = parser.parse_args(argv)
    outcomes = run_cases(read_cases(flags.cases), flags.rest, flags.grpc)
    wrong = [one for one in outcomes if one.reason]
    for one in wrong:
        sys.stdout.write(f"{one.case_id}: {one.reason}\n  {one.received}\n")
    sys.stdout.write(f"{len(outcomes) - len(wrong)} of {len(outcomes)} agree\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
