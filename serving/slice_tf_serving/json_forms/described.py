"""JSON values as errors quote them."""

import decimal
import json
import math
from collections.abc import Iterator
from typing import Any

_BYTES = 256  # after which no further token is written
_MOST_BYTES = 1024
_INDENT = " " * 4
_PLAIN_DIGITS = range(-5, 22)  # before the point, where it needs no exponent


def described(value: Any) -> str:
    """Returns the JSON of a value for an error, cut to a bearable length.

    Objects take a line a member and lists one line, and it ends before a
    number that is none, as in TensorFlow Serving.
    """
    text = b""
    try:
        for token in _tokens(value, "", 0):
            text += token[:_MOST_BYTES].encode(errors="replace")
            if len(text) >= _BYTES:
                break
    except (RecursionError, _NoNumberError):
        pass
    return text[:_MOST_BYTES].decode(errors="ignore")


class _NoNumberError(Exception):
    """NaN or infinity."""


def _tokens(value: Any, before: str, depth: int) -> Iterator[str]:
    """Yields JSON, each token with what stands before it."""
    if isinstance(value, dict):
        line = f"\n{_INDENT * depth}"
        yield f"{before}{{"
        comma = ""
        for key, one in value.items():
            yield f"{comma}{line}{_INDENT}{_dumped(key)}"
            yield from _tokens(one, ": ", depth + 1)
            comma = ","
        yield f"{line}}}" if value else "}"
    elif isinstance(value, list):
        yield f"{before}["
        comma = ""
        for one in value:
            yield from _tokens(one, comma, depth + 1)
            comma = ", "
        yield "]"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield before
            raise _NoNumberError
        yield f"{before}{_number(value)}"
    else:
        yield f"{before}{_dumped(value)}"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    shortest = decimal.Decimal(repr(value)).normalize()
    size = shortest.adjusted() + 1
    if not value or size in _PLAIN_DIGITS:
        text = format(shortest, "f")
        return text if "." in text else f"{text}.0"
    return format(shortest, "e").replace("e+", "e")
