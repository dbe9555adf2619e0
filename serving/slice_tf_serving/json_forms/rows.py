"""From a list of examples in JSON to one array an input."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_forms.described import described
from slice_tf_serving.json_forms.values import (
    BASE64,
    Reader,
    is_named,
)
from slice_tf_serving.specs import SignatureSpec


def read_rows(
    rows: list[Any],
    columns: Mapping[str, list[Any]],
    spec: SignatureSpec,
    reader: Reader,
) -> dict[str, Array]:
    """Returns arrays by name, of which each has a row an example.

    Args:
        rows: Values of the only input, or objects of named inputs; at least
            one.
        columns: The same by name, if `columns_of` could tell.
        spec: The signature.
        reader: Of the body that held them.

    Raises:
        ApiError: If a row is not like the first, or does not fit; the first
            fault is told that TensorFlow Serving would find.
    """
    arrays = {
        name: reader.fast(values, spec.inputs[name].dtype)
        for name, values in columns.items()
    }
    whole = {name: one for name, one in arrays.items() if one is not None}
    if whole and len(whole) == len(arrays):
        return whole
    read = _read_named if is_named(rows[0]) else _read_plain
    found: dict[str, list[Array]] = {name: [] for name in spec.inputs}
    for position, row in enumerate(rows):
        read(row, position, spec, reader, found)
    # Of a name that comes twice, values are read twice, and those at the end
    # are dropped, as in TensorFlow Serving.
    return {
        name: np.stack(one[: len(rows)]) for name, one in found.items() if one
    }


def columns_of(
    rows: list[Any], spec: SignatureSpec
) -> dict[str, list[Any]] | None:
    """Returns values by name, or `None` where rows are not all alike."""
    names = spec.inputs.keys()
    kinds = set(map(type, rows))
    if dict not in kinds:
        return {next(iter(names)): rows}
    if BASE64 in names or len(kinds) > 1:
        return None
    for row in rows:
        if row.keys() != names:
            return None
    return {name: [row[name] for row in rows] for name in names}


def _read_plain(
    row: Any,
    position: int,
    spec: SignatureSpec,
    reader: Reader,
    found: dict[str, list[Array]],
) -> None:
    if is_named(row):
        raise invalid(
            f"Expecting value/list but got object at item {position} of input "
            "list"
        )
    name = next(iter(spec.inputs))
    place = f"Failed to process element: {position} of 'instances' list. "
    _add(row, name, place, spec, reader, found)


def _read_named(
    row: Any,
    position: int,
    spec: SignatureSpec,
    reader: Reader,
    found: dict[str, list[Array]],
) -> None:
    if not is_named(row):
        raise invalid(
            f"Expecting object but got list at item {position} of input list"
        )
    for name, value in row.items():
        place = (
            f"Failed to process element: {position} key: {name} of "
            "'instances' list. "
        )
        _add(value, name, place, spec, reader, found)
    if row.keys() != spec.inputs.keys():
        raise invalid(
            f"Failed to process element: {position} of 'instances' list. "
            f"JSON object: {described(row)} keys must be equal to: "
            f"{','.join(sorted(spec.inputs))}"
        )


def _add(
    value: Any,
    name: str,
    place: str,
    spec: SignatureSpec,
    reader: Reader,
    found: dict[str, list[Array]],
) -> None:
    try:
        if name not in spec.inputs:
            raise invalid(f"JSON object: does not have named input: {name}")
        row = reader.read(value, spec.inputs[name].dtype)
        _check_like_first(row, found[name])
    except ApiError as error:
        raise invalid(
            f"{place}Error: {error.code.name}: {error.text}"
        ) from error
    found[name].append(row)


def _check_like_first(row: Array, rows: list[Array]) -> None:
    if rows and row.size != rows[0].size:
        raise invalid(
            f"Expecting tensor size: {rows[0].size} but got: {row.size}"
        )
    if rows and row.shape != rows[0].shape:
        raise invalid(
            f"Expecting shape {_sizes(rows[0])} but got: {_sizes(row)}"
        )


def _sizes(array: Array) -> str:
    return f"[{','.join(map(str, array.shape))}]"
