"""From the JSON body of a predict request to arrays."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_document import read_document
from slice_tf_serving.json_values import Reader, described, is_base64
from slice_tf_serving.specs import SignatureSpec, TensorSpec

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
