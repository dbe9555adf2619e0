"""Values as text that a page can hold and nothing in it can leave."""

import json
from typing import Any

LONGEST_TEXT = 2_000
DIGITS = 6


def to_script_json(values: Any) -> str:
    """Returns JSON that is safe between `<script>` and `</script>`.

    The result is ASCII without `<`, `>` and `&`, so that no text in it can
    end the element or open another. Texts of more than 2,000 characters are
    cut, with a note; numbers keep six digits.

    Args:
        values: Plain JSON values.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(_shorten(values), allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


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
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… (cut: {len(text):,} characters in all)"


def _round(value: float) -> float | int:
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short
