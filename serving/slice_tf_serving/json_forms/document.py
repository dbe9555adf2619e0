"""From the body of a request to a JSON object and the signature it names."""

import codecs
import json
import math
import re
from typing import Any

import orjson

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.json_forms.described import described
from slice_tf_serving.json_forms.faults import FaultError, fault_of

SIGNATURE = "signature_name"

_MAX_DEPTH = 128
_INT64_DIGITS = 20  # with a sign
_SPACE = " \t\r\n"
_HIGH_HALF = re.compile(rb"\\u[dD][89abAB]")
# Numbers that are none, as TensorFlow Serving reads them besides.
_SPELLINGS = {"-NaN": "NaN", "Inf": "Infinity"}
_OTHER_SPELLING = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|-NaN|Inf(?!i)', re.DOTALL
)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def read_document(body: bytes, max_elements: int) -> tuple[dict[str, Any], str]:
    """Reads the object at the start of a body; what follows is ignored.

    Args:
        body: JSON, UTF-8.
        max_elements: Bound on the values in the body.

    Returns:
        The object, and the name of the signature; empty for the default.

    Raises:
        ApiError: If the body is no such object, in TensorFlow Serving's
            words, or the bound is exceeded.
    """
    _check_count(body, b",", max_elements)
    document = _document(body, max_elements)
    name = document.get(SIGNATURE, "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {described(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return document, name


def _check_count(body: bytes, token: bytes, max_elements: int) -> None:
    if body.count(token) >= max_elements:
        raise ApiError(
            Code.RESOURCE_EXHAUSTED,
            "The request holds more values than this server's limit of "
            f"{max_elements}",
        )


def _document(body: bytes, max_elements: int) -> dict[str, Any]:
    """Returns the object at the start of a body; what follows is ignored.

    What TensorFlow Serving takes beyond JSON, such as NaN, or reads its own
    way, such as a key that comes twice, is left to a slower reader.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_slowly(body, max_elements)
    if isinstance(document, dict) and _num_keys(document) == body.count(b":"):
        return document
    return _read_slowly(body, max_elements)


def _num_keys(document: dict[str, Any]) -> int:
    """Counts the keys of an object, and of objects one or two levels down."""
    count = len(document)
    for value in document.values():
        if isinstance(value, dict):
            count += len(value)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    count += len(one)
    return count


def _read_slowly(body: bytes, max_elements: int) -> dict[str, Any]:
    for bracket in (b"[", b"{"):  # What is nested has no commas.
        _check_count(body, bracket, max_elements)
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    content = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        _check(body)
        text = content[: error.start].decode()
        if fault_of(text.encode()) is not None:  # It is not behind the value.
            fault = FaultError("Invalid encoding in string.", error.start)
            raise _refusal(fault) from error
    if _HIGH_HALF.search(body):  # Python reads it where its pair is missing.
        _check(body)
    try:
        document = _read(text)
    except (json.JSONDecodeError, _TooBigError):
        _check(body)
        document = _read(_OTHER_SPELLING.sub(_spelled, text))
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {described(document)} Is not object")
    return document


def _check(body: bytes) -> None:
    """Refuses what is no JSON, or more than TensorFlow Serving takes."""
    fault = fault_of(body)
    if fault is not None:
        raise _refusal(fault) from fault


def _refusal(fault: FaultError) -> ApiError:
    return invalid(f"JSON Parse error: {fault.text} at offset: {fault.offset}")


def _read(text: str) -> Any:
    """Returns the value at the start of a text."""
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        return _DECODER.raw_decode(text, start)[0]
    except RecursionError:
        return _DECODER.raw_decode(_pruned(text), start)[0]


def _spelled(token: re.Match[str]) -> str:
    """Returns a string as it is, and numbers as Python spells them."""
    return token["string"] or _SPELLINGS[token[0]]


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


class _Repeating(dict[str, Any]):
    """An object with a key that comes twice.

    Its items and its length are all of it; looked up is the first.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(pairs))
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> Any:
        """Returns keys and values, as they came."""
        return self._pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    return values if len(values) == len(pairs) else _Repeating(pairs)


class _TooBigError(Exception):
    """A number that no double can hold."""


def _finite(digits: str) -> float:
    """Returns a number, which may be too long for `int` to read."""
    number = float(digits)
    if math.isinf(number):
        raise _TooBigError
    return number


def _whole(digits: str) -> int | float:
    """Returns a whole number; what 64 bits cannot hold becomes a double."""
    if len(digits) > _INT64_DIGITS:
        return _finite(digits)
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else _finite(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_int=_whole
)
