"""From JSON values to arrays of a given type."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import BY_NAME, Array, Dtype
from slice_tf_serving.json_forms.described import described
from slice_tf_serving.specs import SignatureSpec

_MAX_RANK = 64  # of NumPy
_KINDS = {"f": "if", "i": "i", "u": "i", "b": "b"}
_FLOATS = ("DT_FLOAT", "DT_DOUBLE")
_INTEGERS = {
    name: np.iinfo(BY_NAME[name].array)
    for name in BY_NAME
    if BY_NAME[name].array.lstrip("u").startswith("int")
}
_NO_JSON = ("DT_HALF", "DT_UINT16")
_FAST = {
    name: one.numpy
    for name, one in BY_NAME.items()
    if not one.is_string and name not in _NO_JSON
}
BASE64 = "b64"


def is_fast(spec: SignatureSpec) -> bool:
    """Tells whether NumPy may read all inputs of a signature."""
    return all(one.dtype in _FAST for one in spec.inputs.values())


def is_base64(value: Any) -> bool:
    """Tells whether a value is `{"b64": "..."}`, which stands for bytes."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and isinstance(value.get(BASE64), str)
    )


def is_named(value: Any) -> bool:
    """Tells whether a value names inputs rather than being one."""
    return isinstance(value, dict) and not is_base64(value)


def encoded(text: str) -> bytes:
    """Returns a JSON string as UTF-8, half a surrogate pair as what it is."""
    return text.encode(errors="surrogatepass")


def unescaped(value: Mapping[str, str]) -> bytes:
    """Returns the bytes that `{"b64": "..."}` stands for.

    Raises:
        ApiError: If it is no base64.
    """
    text = b"".join(encoded(value[BASE64]).split())  # Spaces do no harm.
    bare = text.rstrip(b"=")
    missing = -len(bare) % 4
    try:
        if len(text) - len(bare) not in (0, missing):
            raise binascii.Error("padding")
        return base64.b64decode(bare + b"=" * missing, validate=True)
    except binascii.Error as error:
        raise invalid("Unable to base64 decode") from error


class Reader:
    """Reads the values of one body.

    Args:
        body: The body; what it can hold decides which checks may be left out.

    Attributes:
        may_hold_booleans: Whether values must be looked at one by one.
    """

    def __init__(self, body: bytes) -> None:
        # NumPy takes true and false for 1 and 0 among numbers.
        self.may_hold_booleans = b"true" in body or b"false" in body

    def array(self, value: Any, dtype: str) -> Array:
        """Returns an array of a value of any nesting.

        Raises:
            ApiError: If it is ragged or holds a value of another type.
        """
        array = self.fast(value, dtype)
        return self.read(value, dtype) if array is None else array

    def fast(self, value: Any, dtype: str) -> Array | None:
        """Returns an array of numbers, or `None` where one must look closer."""
        wanted = _FAST.get(dtype)
        if wanted is None:
            return None
        try:
            array = np.array(value)
        except (ValueError, OverflowError):
            return None
        if array.dtype.kind not in _KINDS[wanted.kind]:
            return None
        if self.may_hold_booleans and wanted.kind != "b":
            return None
        if array.dtype == wanted:
            return array
        if wanted.kind != "f" and not _fits(array, _INTEGERS[dtype]):
            return None
        with np.errstate(over="ignore"):  # to infinity, as in C++
            return array.astype(wanted)

    def read(self, value: Any, dtype: str) -> Array:
        """Returns an array, looking at each value.

        Raises:
            ApiError: If it is ragged or holds a value of another type.
        """
        known = _of_name(dtype)
        shape = _shape(value)
        if len(shape) > _MAX_RANK:
            raise invalid("JSON Parse error: Values are nested too deeply.")
        flat: list[Any] = []
        self._fill(value, 0, shape, known, flat)
        if known.is_string:
            return np.array([*flat, None], object)[:-1].reshape(shape)
        with np.errstate(over="ignore"):
            return np.array(flat, known.array).reshape(shape)

    def _fill(
        self,
        value: Any,
        level: int,
        shape: tuple[int, ...],
        dtype: Dtype,
        flat: list[Any],
    ) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {described(value)} found at incorrect "
                    f"level: {level + 1} in the JSON DOM. Expected at level: "
                    f"{len(shape)}"
                )
            flat.append(self._leaf(value, dtype))
            return
        if level >= len(shape):
            raise invalid(
                f"Encountered list at unexpected level: {level} expected < "
                f"{len(shape)}"
            )
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: "
                f"{level} expected size: {shape[level]}"
            )
        for item in value:
            self._fill(item, level + 1, shape, dtype, flat)

    def _leaf(self, value: Any, dtype: Dtype) -> Any:
        if dtype.is_string:
            return _bytes(value, dtype)
        if isinstance(value, dict):
            raise _type_error(value, dtype)
        if dtype.name not in _FAST:
            raise ApiError(
                Code.UNIMPLEMENTED,
                f"Conversion of JSON Value: {described(value)} to type: "
                f"{dtype.text}",
            )
        is_boolean = isinstance(value, bool)
        if dtype.name == "DT_BOOL":
            fits = is_boolean
        elif dtype.name in _FLOATS:
            fits = isinstance(value, (int, float)) and not is_boolean
        else:
            bounds = _INTEGERS[dtype.name]
            fits = (
                isinstance(value, int)
                and not is_boolean
                and bounds.min <= value <= bounds.max
            )
        if not fits:
            raise _type_error(value, dtype)
        return value


def _of_name(name: str) -> Dtype:
    """Returns a type; one that is not known here stands for no values."""
    text = name.removeprefix("DT_").lower()
    return BY_NAME.get(name) or Dtype(name, 0, text, "float32", "")


def _fits(array: Array, bounds: Any) -> bool:
    return not array.size or (
        bounds.min <= int(array.min()) and int(array.max()) <= bounds.max
    )


def _shape(value: Any) -> tuple[int, ...]:
    """Returns the shape that the first value of each list stands for."""
    sizes: list[int] = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(sizes)


def _bytes(value: Any, dtype: Dtype) -> bytes:
    if isinstance(value, str):
        return encoded(value)
    if is_base64(value):
        return unescaped(value)
    if isinstance(value, dict):
        raise invalid(
            f"JSON Value: {described(value)} not formatted correctly for "
            "base64 data"
        )
    raise _type_error(value, dtype)


def _type_error(value: Any, dtype: Dtype) -> ApiError:
    return invalid(
        f"JSON Value: {described(value)} Type: {kind_of(value)} is not of "
        f"expected type: {dtype.text}"
    )


def kind_of(value: Any) -> str:
    """Returns the type of a JSON value, in TensorFlow Serving's words."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    for kind, text in ((str, "String"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return text
    return "Number"
