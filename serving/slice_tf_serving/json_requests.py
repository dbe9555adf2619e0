"""From the JSON body of a predict request to arrays."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from slice_tf_serving.codes import invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_document import read_document
from slice_tf_serving.json_rows import read_rows
from slice_tf_serving.json_values import Reader, described, is_named
from slice_tf_serving.specs import SignatureSpec

ROW = "instances"
COLUMN = "inputs"


@dataclasses.dataclass(frozen=True)
class JsonRequest:
    """A predict request that came as JSON.

    Args:
        signature: Name of the signature; empty for the default.
        inputs: Arrays by name.
        is_row: Whether it came in row form, and so will the answer.
    """

    signature: str
    inputs: Mapping[str, Array]
    is_row: bool


def parse(
    body: bytes, find: Callable[[str], SignatureSpec], max_elements: int
) -> JsonRequest:
    """Reads a predict request in row or column form.

    Args:
        body: JSON, UTF-8.
        find: Returns the signature of a name, or raises `ApiError`.
        max_elements: Bound on the values in the body.

    Raises:
        ApiError: If the body is no such request; in TensorFlow Serving's
            words.
    """
    document, name = read_document(body, max_elements)
    spec = find(name)
    if not spec.inputs:
        raise invalid(
            f"Failed to get input map for signature: {name or 'DEFAULT'}"
        )
    reader = Reader(body)
    if ROW in document and COLUMN in document:
        raise invalid(
            f"JSON Value: {described(document)} Not formatted correctly "
            "expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if ROW in document:
        return JsonRequest(name, _rows(document, spec, reader), True)
    if COLUMN in document:
        return JsonRequest(name, _columns(document, spec, reader), False)
    raise invalid("Missing 'inputs' or 'instances' key")


def _rows(
    document: Mapping[str, Any], spec: SignatureSpec, reader: Reader
) -> dict[str, Array]:
    rows = document[ROW]
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {described(document)} Expecting 'instances' to be "
            "an list/array"
        )
    if not rows:
        raise invalid(
            f"JSON Value: {described(document)} No values in 'instances' array"
        )
    if len(spec.inputs) > 1 and not isinstance(rows[0], dict):
        raise invalid(
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map"
        )
    return read_rows(rows, spec, reader)


def _columns(
    document: Mapping[str, Any], spec: SignatureSpec, reader: Reader
) -> dict[str, Array]:
    values = document[COLUMN]
    if not is_named(values):
        if len(spec.inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as "
                "multiple input tensors required as per tensorinfo_map"
            )
        values = dict.fromkeys(spec.inputs, values)
    for name in spec.inputs:
        if name not in values:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {
        name: reader.array(values[name], one.dtype)
        for name, one in spec.inputs.items()
    }
