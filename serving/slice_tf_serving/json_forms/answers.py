"""From arrays to the JSON body of an answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from slice_tf_serving.codes import ApiError, invalid
from slice_tf_serving.dtypes import Array, of_array

_BYTES_SUFFIX = "_bytes"
_NO_JSON = ("DT_HALF", "DT_UINT16")
_MAX_PARTED = 2  # axes


def predictions(outputs: Mapping[str, Array], is_row: bool) -> bytes:
    """Returns the answer to a predict request.

    One output is given as it is, several by their names. Infinity and NaN
    are written as such, which is more than JSON allows but what TensorFlow
    Serving does.

    Args:
        outputs: Arrays by name.
        is_row: Whether to answer in row form, where every output must have
            one value an example.

    Raises:
        ApiError: If an output cannot be written.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if not is_row:
        values = {name: _values(name, one) for name, one in outputs.items()}
        return dumped({"outputs": _single(values)})
    size = _check_batch(outputs)
    return written_rows(outputs, [size])[0]


def rows(outputs: Mapping[str, Array]) -> list[bytes]:
    """Returns a JSON object an example, of outputs by name.

    Raises:
        ApiError: If an output has not one value an example, or is of a type
            that JSON has not.
    """
    _check_batch(outputs)
    columns = [_row_texts(name, one) for name, one in outputs.items()]
    names = [dumped(name).replace(b"%", b"%%") for name in outputs]
    form = b"{%b}" % b",".join([b"%b:%%b" % name for name in names])
    return [form % row for row in zip(*columns, strict=True)]


def written_rows(
    outputs: Mapping[str, Array], sizes: Sequence[int]
) -> list[bytes]:
    """Returns the answers to several requests in row form.

    Args:
        outputs: Arrays by name, with a row an example.
        sizes: Number of examples of each request.

    Raises:
        ApiError: If an output is of a type that JSON has not.
    """
    if len(outputs) == 1:
        ((name, one),) = outputs.items()
        written = _row_texts(name, one)
    else:
        written = rows(outputs)
    answers, start = [], 0
    for size in sizes:
        part = b",".join(written[start : start + size])
        answers.append(b'{"predictions":[%b]}' % part)
        start += size
    return answers


def _row_texts(name: str, output: Array) -> list[bytes]:
    """Returns the JSON of each row of an output.

    Numbers are written in one go, which takes as long as one row, and parted
    where their rows are: numbers have neither commas nor brackets.
    """
    values = _values(name, output)
    if values is not output or output.ndim > _MAX_PARTED or not output.size:
        return [dumped(one) for one in values]
    text = dumped(output)[output.ndim : -output.ndim]
    if output.ndim == 1:
        return text.split(b",")
    return [b"[%b]" % row for row in text.split(b"],[")]


def results(result: Any) -> bytes:
    """Returns the answer to a classify or regress request.

    Args:
        result: A `ClassificationResult` or a `RegressionResult`.
    """
    if hasattr(result, "regressions"):
        values: Any = [np.float32(one.value) for one in result.regressions]
    else:
        values = [
            [[one.label, np.float32(one.score)] for one in row.classes]
            for row in result.classifications
        ]
    return dumped({"results": values})


def failure(error: ApiError) -> bytes:
    """Returns the answer to a request that fails."""
    return dumped({"error": error.text})


def dumped(value: Any) -> bytes:
    """Returns a value, which may hold arrays of numbers, as JSON.

    A float gets the shortest digits that give it again.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # such as half a surrogate pair
        return _dumped_slowly(value)
    # What JSON has no word for became null there.
    return _dumped_slowly(value) if b"null" in text else text


def _dumped_slowly(value: Any) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), default=_plain
    )
    return text.encode(errors="replace")


def _plain(array: Any) -> Any:
    if array.dtype == np.float32:
        # As a double it would get seventeen digits.
        array = array.astype(np.str_).astype(np.float64)
    return array.tolist()


def _single(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else values


def _check_batch(outputs: Mapping[str, Array]) -> int:
    size = None
    for name, output in sorted(outputs.items()):
        if not output.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size is not None and len(output) != size:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: "
                f"{len(output)} expecting: {size}"
            )
        size = len(output)
    return size or 0


def _values(name: str, output: Array) -> Any:
    """Returns a list of strings, or the array of anything else."""
    dtype = of_array(output)
    if dtype is None or dtype.name in _NO_JSON:
        text = dtype.text if dtype else output.dtype.name
        raise invalid(f"Failed to write JSON value for tensor type: {text}")
    if dtype.is_string:
        return _strings(name, output)
    return output


def _strings(name: str, output: Array) -> Any:
    def text(value: bytes) -> Any:
        if name.endswith(_BYTES_SUFFIX):
            return {"b64": base64.b64encode(value).decode()}
        return value.decode(errors="replace")

    flat = np.empty(output.size, object)
    flat[:] = [text(value) for value in output.ravel()]
    return flat.reshape(output.shape).tolist()
