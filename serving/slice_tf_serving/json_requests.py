"""From the JSON body of a predict request to arrays."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_values import Reader, described, is_base64
from slice_tf_serving.specs import SignatureSpec, TensorSpec

ROW = "instances"
COLUMN = "inputs"
SIGNATURE = "signature_name"

_MAX_DEPTH = 128
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


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
    if body.count(b",") >= max_elements:
        raise ApiError(
            Code.RESOURCE_EXHAUSTED,
            "The request holds more values than this server's limit of "
            f"{max_elements}",
        )
    document = _document(body)
    name = document.get(SIGNATURE, "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {described(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    _encodable(name)
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


def _document(body: bytes) -> dict[str, Any]:
    """Returns the object at the start of a body; what follows is ignored."""
    try:
        text = body.decode().lstrip()
        if not text:
            raise invalid("JSON Parse error: The document is empty")
        document = _decoded(text)
    except UnicodeDecodeError as error:
        raise invalid(
            "JSON Parse error: Invalid encoding in string. "
            f"at offset: {error.start}"
        ) from error
    except json.JSONDecodeError as error:
        raise invalid(
            f"JSON Parse error: {error.msg}. at offset: {error.pos}"
        ) from error
    except ValueError as error:  # an integer of thousands of digits
        raise invalid(
            "JSON Parse error: Number too big to be stored in double."
        ) from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {described(document)} Is not object")
    return document


def _decoded(text: str) -> Any:
    try:
        return _DECODER.raw_decode(text)[0]
    except RecursionError:
        return _DECODER.raw_decode(_pruned(text))[0]


def _pruned(text: str) -> str:
    """Returns JSON without what is nested deeper than any tensor.

    TensorFlow Serving reads any depth, and ignores what it does not need.
    """
    kept, depth, start = [], 0, 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _MAX_DEPTH + 1:
                kept.append(text[start : token.start()])
        elif token[0] in "]}":
            depth -= 1
            if depth == _MAX_DEPTH:
                start = token.end()
    kept.append(text[start:] if depth <= _MAX_DEPTH else "")
    return "".join(kept)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Builds an object; of two equal keys the first counts."""
    values = dict(pairs)
    return values if len(values) == len(pairs) else dict(reversed(pairs))


_DECODER = json.JSONDecoder(object_pairs_hook=_first_wins)


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error


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
    if _is_named(rows[0]):
        return _named_rows(rows, spec, reader)
    for position, row in enumerate(rows):
        if _is_named(row):
            raise invalid(
                "Expecting value/list but got object at item "
                f"{position} of input list"
            )
    name, one = next(iter(spec.inputs.items()))
    return {name: _stacked(rows, one, reader, "")}


def _named_rows(
    rows: list[Any], spec: SignatureSpec, reader: Reader
) -> dict[str, Array]:
    needed = spec.inputs.keys()
    for position, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(
                f"Expecting object but got list at item {position} of input "
                "list"
            )
        for name in row:
            if name not in needed:
                raise invalid(
                    f"Failed to process element: {position} key: {name} of "
                    "'instances' list. Error: INVALID_ARGUMENT: JSON object: "
                    f"does not have named input: {name}"
                )
        if row.keys() != needed:
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. "
                f"JSON object: {described(row)} keys must be equal to: "
                f"{','.join(sorted(needed))}"
            )
    return {
        name: _stacked(
            [row[name] for row in rows], one, reader, f" key: {name}"
        )
        for name, one in spec.inputs.items()
    }


def _stacked(
    values: list[Any], spec: TensorSpec, reader: Reader, place: str
) -> Array:
    """Returns one array of rows that must be of equal shape."""
    array = reader.fast(values, spec.dtype)
    if array is not None:
        return array
    rows: list[Array] = []
    for position, value in enumerate(values):
        try:
            rows.append(_like_first(reader.read(value, spec.dtype), rows))
        except ApiError as error:
            raise invalid(
                f"Failed to process element: {position}{place} of 'instances' "
                f"list. Error: {error.code.name}: {error.text}"
            ) from error
    return np.stack(rows)


def _like_first(row: Array, rows: list[Array]) -> Array:
    if rows and row.size != rows[0].size:
        raise invalid(
            f"Expecting tensor size: {rows[0].size} but got: {row.size}"
        )
    if rows and row.shape != rows[0].shape:
        raise invalid(
            f"Expecting shape {_sizes(rows[0])} but got: {_sizes(row)}"
        )
    return row


def _sizes(array: Array) -> str:
    return f"[{','.join(map(str, array.shape))}]"


def _columns(
    document: Mapping[str, Any], spec: SignatureSpec, reader: Reader
) -> dict[str, Array]:
    values = document[COLUMN]
    if not _is_named(values):
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


def _is_named(value: Any) -> bool:
    """Tells whether a value names inputs rather than being one."""
    return isinstance(value, dict) and not is_base64(value)
