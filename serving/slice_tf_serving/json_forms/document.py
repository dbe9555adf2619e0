"""From the body of a request to a JSON object and the signature it names."""

import codecs
import json
import math
import re
from typing import Any

import orjson

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.json_forms.values import described, encoded

SIGNATURE = "signature_name"

_MAX_DEPTH = 128
_INT64_DIGITS = 20  # with a sign
_SPACE = " \t\r\n"
# A backslash and what belongs to it.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w"
    r"|(?P<half>\\u[dD][89a-fA-F]\w\w)"
    r"|\\.",
    re.DOTALL,
)
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
    encoded(name)
    return document, name


def _document(body: bytes) -> dict[str, Any]:
    """Returns the object at the start of a body; what follows is ignored.

    What TensorFlow Serving takes beyond JSON, such as NaN, or reads its own
    way, such as a key that comes twice, is left to a slower reader.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_slowly(body)
    if isinstance(document, dict) and _num_keys(document) == body.count(b":"):
        return document
    return _read_slowly(body)


def _num_keys(document: dict[str, Any]) -> int:
    """Counts the keys of an object, and of objects one or two levels down."""
    count = len(document)
    for value in document.values():
        if isinstance(value, dict):
            count += len(value)
        elif isinstance(value, list):
            count += sum(len(one) for one in value if isinstance(one, dict))
    return count


def _read_slowly(body: bytes) -> dict[str, Any]:
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
        if not text.strip(_SPACE):
            place = f". at offset: {len(body)}" if body else ""
            raise invalid(f"JSON Parse error: The document is empty{place}")
        document = _decoded(text)
    except UnicodeDecodeError as error:
        raise invalid(
            "JSON Parse error: Invalid encoding in string. "
            f"at offset: {error.start}"
        ) from error
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {_told(error)}") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {described(document)} Is not object")
    return document


# What Python calls a fault, and what TensorFlow Serving does.
_FAULTS = {
    "Expecting value": "Invalid value.",
    "Expecting property name": "Missing a name for object member.",
    "Illegal trailing comma before end of object": (
        "Missing a name for object member."
    ),
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':'": "Missing a colon after a name of object member.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid control character": "Invalid encoding in string.",
    "Invalid \\uXXXX": "Incorrect hex digit after \\u escape in string.",
    "Invalid \\": "Invalid escape character in string.",
}


# What a number can break off after, behind what Python takes for all of it.
_UNFINISHED = re.compile(r"(?<=\d)\.|(?<=\d)[eE][+-]?|-")
_NUMBER_FAULTS = {
    ".": "Missing fraction part in number.",
    "e": "Missing exponent in number.",
    "E": "Missing exponent in number.",
    "-": "Invalid value.",
}


def _told(error: json.JSONDecodeError) -> str:
    """Returns the fault in TensorFlow Serving's words, with its place."""
    number = _UNFINISHED.match(error.doc, error.pos)
    if number is not None and error.msg.startswith("Expecting"):
        text = _NUMBER_FAULTS[number[0][0]]
        return f"{text} at offset: {_offset(error.doc, number.end())}"
    if error.msg.startswith("Expecting ','"):
        text = (
            "Missing a comma or } after an object member."
            if _is_in_object(error.doc[: error.pos])
            else "Missing a comma or ] after an array element."
        )
    else:
        text = next(
            (
                one
                for start, one in _FAULTS.items()
                if error.msg.startswith(start)
            ),
            f"{error.msg}.",
        )
    return f"{text} at offset: {_offset(error.doc, error.pos)}"


def _offset(text: str, position: int) -> int:
    """Returns where a character is, in bytes."""
    return len(text[:position].encode(errors="replace"))


def _is_in_object(text: str) -> bool:
    open_brackets = []
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            open_brackets.append(token[0])
        elif token[0] in "]}" and open_brackets:
            open_brackets.pop()
    return open_brackets[-1:] == ["{"]


def _decoded(text: str) -> Any:
    try:
        document, end = _read(text)
    except _TooBigError as error:
        # The digits are a number of their own somewhere, first of all here.
        found = re.search(rf"(?<![\w.+\x22-]){re.escape(str(error))}", text)
        offset = _offset(text, found.start() if found else 0)
        raise invalid(
            "JSON Parse error: Number too big to be stored in double. "
            f"at offset: {offset}"
        ) from error
    _check_surrogates(text, end)
    return document


def _read(text: str) -> tuple[Any, int]:
    """Returns the value at the start of a text, and where it ends."""
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        return _DECODER.raw_decode(_pruned(text), start)
    except json.JSONDecodeError:
        spelled = _OTHER_SPELLING.sub(_spelled, text)
        if spelled == text:
            raise
        return _DECODER.raw_decode(spelled, start)


def _spelled(token: re.Match[str]) -> str:
    """Returns a string as it is, and numbers as Python spells them."""
    return token["string"] or _SPELLINGS[token[0]]


def _check_surrogates(text: str, end: int) -> None:
    """Refuses half a surrogate pair anywhere, which Python reads."""
    for escape in _ESCAPE.finditer(text, 0, end):
        if escape["half"]:
            raise invalid(
                "JSON Parse error: The surrogate pair in string is invalid. "
                f"at offset: {_offset(text, escape.start())}"
            )


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


class _TooBigError(Exception):
    """A number that no double can hold; its digits."""


def _finite(digits: str) -> float:
    """Returns a number, which may be too long for `int` to read."""
    number = float(digits)
    if math.isinf(number):
        raise _TooBigError(digits)
    return number


def _whole(digits: str) -> int | float:
    """Returns a whole number; what 64 bits cannot hold becomes a double."""
    if len(digits) > _INT64_DIGITS:
        return _finite(digits)
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else _finite(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_first_wins, parse_float=_finite, parse_int=_whole
)
