"""A feature's value as something small that a page can show."""

import base64
import struct
import zlib
from typing import Any

import numpy as np

LONGEST_TEXT = 1_000
LARGEST_IMAGE_BYTES = 48 * 1024
MOST_NUMBERS = 8

_SMALLEST_SIDE, _LARGEST_SIDE = 4, 64
_CHANNELS = {1: 0, 3: 2}  # Channels to PNG's colour type.
# What a browser's decoders of pixels know; none of these can hold a script.
_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
)


def preview(value: Any) -> dict[str, Any]:
    """Returns plain JSON values that stand for a feature's value.

    Args:
        value: A number, bytes, text, or an array of these.

    Returns:
        `{"text": ..., "length": characters in all}`, `{"image": data URI}`,
        `{"numbers": the first few, "size": all, "low": ..., "high": ...}` or
        `{"binary": bytes in all, "format": ...}`. Text of more than 1,000
        characters is cut. An array `[height, width]` or `[height, width,
        1 or 3]` of numbers is an image, thinned out to 64 pixels a side.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bytes):
        return _of_bytes(value)
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        items = array.reshape(-1).tolist()
        if len(items) == 1:
            return preview(items[0])
        words = [preview(one).get("text", "(binary)") for one in items[:100]]
        return _of_text(", ".join(words))
    if _is_image(array):
        return {"image": _png(array)}
    return _of_numbers(array.reshape(-1))


def _of_text(text: str) -> dict[str, Any]:
    # A surrogate that stands alone is no character and cannot be written.
    whole = text[:LONGEST_TEXT].encode("utf-8", "replace").decode()
    return {"text": whole, "length": len(text)}


def _of_bytes(value: bytes) -> dict[str, Any]:
    kind = next((k for mark, k in _FORMATS if value.startswith(mark)), "")
    if kind and len(value) <= LARGEST_IMAGE_BYTES:
        return {"image": _uri(kind, value)}
    if not kind and b"\0" not in value[:LONGEST_TEXT]:
        try:
            return _of_text(value.decode())
        except UnicodeDecodeError:
            pass
    return {"binary": len(value), "format": kind}


def _of_numbers(values: Any) -> dict[str, Any]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return {
        "numbers": [_number(one) for one in values[:MOST_NUMBERS].tolist()],
        "size": len(values),
        "low": _number(finite.min()) if finite.size else None,
        "high": _number(finite.max()) if finite.size else None,
    }


def _number(value: Any) -> float | int | None:
    if isinstance(value, int):
        return int(value)
    short = float(f"{value:.6g}")
    return short if np.isfinite(short) else None


def _is_image(array: Any) -> bool:
    flat = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)
    return (
        flat
        and min(array.shape[:2]) >= _SMALLEST_SIDE
        and bool(np.isfinite(array).all())
    )


def _png(array: Any) -> str:
    step = -(-max(array.shape[:2]) // _LARGEST_SIDE)
    pixels = _levels(array[::step, ::step].astype(np.float64))
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    lines = np.pad(rows, ((0, 0), (1, 0)))  # Each line's filter: none.
    color = _CHANNELS[rows.shape[1] // width]
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return _uri("png", _FORMATS[0][0] + b"".join(map(_chunk, chunks)))


def _chunk(named: tuple[bytes, bytes]) -> bytes:
    """Returns a part of a PNG file, as its standard (ISO 15948) has it."""
    whole = b"".join(named)
    length, check = len(named[1]), zlib.crc32(whole)
    return struct.pack(">I", length) + whole + struct.pack(">I", check)


def _levels(values: Any) -> Any:
    """Returns uint8: fractions and bytes as they are, else from low to high."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and 128 <= high <= 255:
        low, high = 0.0, 255.0
    scaled = 255 * (values - low) / ((high - low) or 1.0)
    return np.rint(scaled).astype(np.uint8)


def _uri(kind: str, value: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(value).decode()}"
