"""From the JSON body of a predict request to arrays."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from slice_tf_serving.codes import invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_forms.described import described
from slice_tf_serving.json_forms.document import SIGNATURE
from slice_tf_serving.json_forms.rows import columns_of, read_rows
from slice_tf_serving.json_forms.values import Reader, is_named
from slice_tf_serving.specs import SignatureSpec

ROW = "instances"
COLUMN = "inputs"


@dataclasses.dataclass(slots=True)
class JsonRequest:
    """A predict request that came as JSON.

    Args:
        spec: The signature.
        reader: Of the body.
        rows: The examples, where it came in row form, as the answer will.
        inputs: Values by name, where it came in column form.
        columns: Values of the examples by name, where it came in row form
            and all of them are alike; else none.
    """

    spec: SignatureSpec
    reader: Reader
    rows: list[Any] | None
    inputs: Mapping[str, Any]
    columns: Mapping[str, list[Any]]

    @property
    def is_row(self) -> bool:
        """Whether it came in row form."""
        return self.rows is not None

    @property
    def num_rows(self) -> int:
        """Number of examples, where it came in row form."""
        return len(self.rows or ())

    @property
    def outline(self) -> tuple[int, ...]:
        """Sizes of the first example; requests that differ do not mix."""
        return tuple(
            [
                len(values[0]) if isinstance(values[0], list) else -1
                for values in self.columns.values()
            ]
        )

    def arrays(self) -> dict[str, Array]:
        """Returns the inputs as arrays.

        Raises:
            ApiError: If a value does not fit, in TensorFlow Serving's words.
        """
        if self.rows is not None:
            return read_rows(self.rows, self.columns, self.spec, self.reader)
        return {
            name: self.reader.array(self.inputs[name], one.dtype)
            for name, one in self.spec.inputs.items()
        }


def read_request(
    document: Mapping[str, Any], spec: SignatureSpec, body: bytes
) -> JsonRequest:
    """Reads a predict request in row or column form.

    Args:
        document: What `read_document` has read of the body.
        spec: The signature it names.
        body: The same as it came.

    Raises:
        ApiError: If the body is no such request; in TensorFlow Serving's
            words.
    """
    if not spec.inputs:
        name = document.get(SIGNATURE) or "DEFAULT"
        raise invalid(f"Failed to get input map for signature: {name}")
    reader = Reader(body)
    if ROW in document and COLUMN in document:
        raise invalid(
            f"JSON Value: {described(document)} Not formatted correctly "
            "expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if ROW in document:
        rows = _rows(document, spec)
        columns = columns_of(rows, spec) or {}
        return JsonRequest(spec, reader, rows, {}, columns)
    if COLUMN in document:
        inputs = _inputs(document, spec)
        return JsonRequest(spec, reader, None, inputs, {})
    raise invalid("Missing 'inputs' or 'instances' key")


def _rows(document: Mapping[str, Any], spec: SignatureSpec) -> list[Any]:
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
    return rows


def _inputs(
    document: Mapping[str, Any], spec: SignatureSpec
) -> Mapping[str, Any]:
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
    found: Mapping[str, Any] = values
    return found
