"""One example as a slicing function sees it."""

import builtins
import ctypes
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from slice_tf.near_miss import did_you_mean

T = TypeVar("T")
Values = Sequence[Any]


class _Required:
    """Stands for a default that was not given."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()

# Field of a `tf.train.Feature`: (kind in words, accessor of one value).
_KINDS = {
    "bytes_list": ("bytes", "text"),
    "float_list": ("float", "float"),
    "int64_list": ("int64", "int"),
}


class Row:
    """A read-only, typed view of one example.

    Accessors name the kind they expect. A feature that is missing, or has no
    value, is the accessor's `default`, or a `ValueError` without one; a
    feature of another kind is a `TypeError`. Both become "unknown" for the
    row where a slicing function raises them.

    Build one with `from_example` or `from_mapping`.
    """

    __slots__ = ("_arrays", "_message_features", "_read", "_texts")

    def __init__(
        self, message_features: Any, read: dict[str, tuple[str, Values]]
    ) -> None:
        self._message_features = message_features
        self._read = read
        self._texts: dict[str, str] = {}
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def from_example(cls, message: Any) -> "Row":
        """Returns a view of a `tf.train.Example` message.

        Args:
            message: The message, of TensorFlow's class or of
                `slice_tf.data.Example`. It is never changed.
        """
        return cls(message.features.feature, {})

    @classmethod
    def from_mapping(cls, features: Mapping[str, Any]) -> "Row":
        """Returns a view of plain values, as an example would hold them.

        Args:
            features: Name to a str, bytes, int, float, or a sequence or array
                of one of these. An empty list is a feature without a kind,
                which counts as missing.

        Raises:
            TypeError: If a value is, or holds, something else or a mixture.
        """
        read = {key: plain_values(key, one) for key, one in features.items()}
        row = cls({}, read)
        row._texts = {
            key: one for key, one in features.items() if type(one) is str
        }
        return row

    def text(self, key: str, default: T | _Required = REQUIRED) -> str | T:
        """Returns a bytes feature's one value as UTF-8 text.

        Raises:
            ValueError: If the feature is missing, has several values, or is
                no UTF-8.
            TypeError: If it holds numbers.
        """
        known = self._texts.get(key)
        if known is not None:
            return known
        # The shortest way first: most slicing functions read texts.
        feature = self._message_features.get(key)
        if feature is not None and len(feature.bytes_list.value) == 1:
            value = feature.bytes_list.value[0]
        else:
            value = self._one(key, "bytes_list", default)
        if not isinstance(value, bytes):
            return value
        text = self._texts[key] = value.decode()
        return text

    def bytes(
        self, key: str, default: T | _Required = REQUIRED
    ) -> builtins.bytes | T:
        """Returns a bytes feature's one value.

        Raises:
            ValueError: If the feature is missing or has several values.
            TypeError: If it holds numbers.
        """
        return self._one(key, "bytes_list", default)

    def int(
        self, key: str, default: T | _Required = REQUIRED
    ) -> builtins.int | T:
        """Returns an int64 feature's one value.

        Raises:
            ValueError: If the feature is missing or has several values.
            TypeError: If it holds bytes or floats.
        """
        return self._one(key, "int64_list", default)

    def float(
        self, key: str, default: T | _Required = REQUIRED
    ) -> builtins.float | T:
        """Returns a float feature's one value.

        Raises:
            ValueError: If the feature is missing or has several values.
            TypeError: If it holds bytes or integers.
        """
        return self._one(key, "float_list", default)

    def ints(
        self, key: str, default: T | _Required = REQUIRED
    ) -> npt.NDArray[np.int64] | T:
        """Returns an int64 feature's values, of shape `[values]`.

        Raises:
            ValueError: If the feature is missing.
            TypeError: If it holds bytes or floats.
        """
        return self._many(key, "int64_list", np.int64, default)

    def floats(
        self, key: str, default: T | _Required = REQUIRED
    ) -> npt.NDArray[np.float32] | T:
        """Returns a float feature's values, float32 of shape `[values]`.

        Raises:
            ValueError: If the feature is missing.
            TypeError: If it holds bytes or integers.
        """
        return self._many(key, "float_list", np.float32, default)

    def texts(
        self, key: str, default: T | _Required = REQUIRED
    ) -> list[str] | T:
        """Returns a bytes feature's values as UTF-8 texts, in order.

        Raises:
            ValueError: If the feature is missing, or a value is no UTF-8.
            TypeError: If it holds numbers.
        """
        found, values = self.raw(key)
        if not found:
            return self._default(key, default)
        if found != "bytes_list":
            _refuse_kind(key, found, "bytes_list")
        return [value.decode() for value in values]

    def raw(self, key: str) -> tuple[str, Values]:
        """Returns a feature's kind and values as the example holds them.

        Returns:
            `bytes_list`, `float_list` or `int64_list`, and a sequence of
            Python values. A feature that is missing or empty without a kind
            has kind `""` and no values.
        """
        known = self._read.get(key)
        if known is not None:
            return known
        # `.get`, because subscripting the map would insert the key.
        feature = self._message_features.get(key)
        kind = feature.WhichOneof("kind") if feature is not None else None
        values = getattr(feature, kind).value if kind else ()
        found = self._read[key] = kind or "", values
        return found

    def keys(self) -> list[str]:
        """Returns the names of the example's features, sorted."""
        read = (key for key, (kind, _) in self._read.items() if kind)
        return sorted({*self._message_features, *read})

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: str) -> bool:
        return bool(self.raw(key)[0])

    def __getitem__(self, key: str) -> Any:
        """Returns one value as bytes, int or float; several as a list."""
        _, values = self.raw(key)
        if not values:
            self._refuse_missing(key)
        return values[0] if len(values) == 1 else list(values)

    def __repr__(self) -> str:
        return f"Row({', '.join(self.keys())})"

    def _one(self, key: str, kind: str, default: Any) -> Any:
        found, values = self.raw(key)
        if len(values) == 1 and found == kind:
            return values[0]
        if found and found != kind:
            _refuse_kind(key, found, kind)
        if values:
            raise ValueError(
                "A feature must have one value to be read as one. Received: "
                f"feature={key!r}, values={len(values)}. Read it with `texts`, "
                "`ints`, `floats` or `row[key]`."
            )
        return self._default(key, default)

    def _many(self, key: str, kind: str, dtype: Any, default: Any) -> Any:
        found, values = self.raw(key)
        if not found:
            return self._default(key, default)
        if found != kind:
            _refuse_kind(key, found, kind)
        if key not in self._arrays:
            array = np.array(values, dtype)
            array.flags.writeable = False
            self._arrays[key] = array
        return self._arrays[key]

    def _default(self, key: str, default: Any) -> Any:
        if default is REQUIRED:
            self._refuse_missing(key)
        return default

    def _refuse_missing(self, key: str) -> NoReturn:
        raise ValueError(missing(key, self.keys()))


def missing(key: str, names: Iterable[str]) -> str:
    """Returns what to say of a feature that is not among `names`."""
    known = sorted(names)
    return (
        f"An example must have the feature that is read. Received: "
        f"feature={key!r}, features={', '.join(known) or 'none'}."
        f"{did_you_mean(key, known)}"
    )


def _refuse_kind(key: str, found: str, wanted: str) -> NoReturn:
    holds, accessor = _KINDS[found]
    raise TypeError(
        "A feature must be read as what it holds. Received: "
        f"feature={key!r}, holds={holds}, read as={_KINDS[wanted][0]}. "
        f"Use `{accessor}` instead."
    )


def plain_values(key: str, value: Any) -> tuple[str, Values]:
    """Returns kind and values of a feature, as `Row.raw` does.

    Raises:
        TypeError: If an example cannot hold the value.
    """
    simple = _SIMPLE.get(type(value))
    if simple is not None:
        return simple(value)
    several = isinstance(value, (Sequence, np.ndarray))
    if not several or isinstance(value, (str, bytes)):
        value = [value]
    if isinstance(value, Sequence) and not value:
        return "", ()
    array = np.asarray(value)
    if array.dtype.kind in "biu":
        return "int64_list", as_int64(array).ravel().tolist()
    if isinstance(value, Sequence):
        _check_whole(value)
    if array.dtype.kind == "f":
        return "float_list", array.astype(np.float32).ravel().tolist()
    items = [v.encode() if isinstance(v, str) else v for v in value]
    if not all(isinstance(item, bytes) for item in items):
        raise TypeError(
            "A feature must hold str, bytes, int or float values, all of one "
            f"kind. Received: feature={key!r}, value={value!r}"
        )
    return "bytes_list", items


def as_int64(array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Returns whole numbers as examples hold them.

    Raises:
        TypeError: If one does not fit.
    """
    if array.dtype == np.uint64 and array.size:
        _int64(builtins.int(array.max()))
    return array.astype(np.int64, copy=False)


def _check_whole(values: Sequence[Any]) -> None:
    """Refuses integers beyond int64, for which NumPy takes floats or objects.

    Raises:
        TypeError: If all are integers and one does not fit.
    """
    if all(isinstance(one, (builtins.int, np.integer)) for one in values):
        for one in values:
            _int64(builtins.int(one))


def _int64(value: builtins.int) -> tuple[str, Values]:
    if not -(2**63) <= value < 2**63:
        raise TypeError(
            "An integer must fit 64 bits, because examples hold no larger "
            f"ones. Received: value={value}"
        )
    return "int64_list", [value]


def _to_float32(value: builtins.float) -> builtins.float:
    return ctypes.c_float(value).value


# The most common values, which need no array to be understood.
_SIMPLE: dict[type, Callable[[Any], tuple[str, Values]]] = {
    str: lambda value: ("bytes_list", [value.encode()]),
    bytes: lambda value: ("bytes_list", [value]),
    bool: lambda value: ("int64_list", [builtins.int(value)]),
    int: _int64,
    float: lambda value: ("float_list", [_to_float32(value)]),
}
