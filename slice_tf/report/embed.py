"""Values as text that a page can hold and nothing in it can leave."""

import base64
import gzip
import json
import re
from typing import Any

LONGEST_TEXT = 2_000
DIGITS = 6

# Pixels that a page may show, and nothing else that looks like them.
_IMAGE = re.compile(
    "data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/]{1,100000}={0,2}"
)


def pack(values: Any) -> str:
    """Returns values as JSON, compressed with gzip, in base64.

    No character of it means anything to HTML, so that no text in it can end
    the element that holds it, and a page of hundreds of slices stays small.
    Texts of more than 2,000 characters are cut, with a note; numbers keep
    six digits. The same values give the same text.

    Args:
        values: Plain JSON values.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(_shorten(values), allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("ascii"), compresslevel=7, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _shorten(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, float):
        return _round(value)
    if isinstance(value, dict):
        return {_cut(str(k)): _shorten(one) for k, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(one) for one in value]
    return value


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT or _IMAGE.fullmatch(text):
        return text
    return f"{text[:LONGEST_TEXT]}… (cut: {len(text):,} characters in all)"


def _round(value: float) -> float | int:
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short
