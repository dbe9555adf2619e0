"""Refuses functions that carry more than a worker should be sent."""

import functools
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

# Of a pickled function; a job's graph holds it once a step and a worker.
MAX_BYTES = 1_000_000

_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)


def check_carried(function: Callable[..., Any], name: str) -> None:
    """Refuses a function that is pickled with more than `MAX_BYTES`.

    A function that a worker imports carries nothing. Others carry what they
    close over, are bound to or have as defaults, and, in `__main__`, the
    globals they name.

    Raises:
        ValueError: If that is too much; the message says what and where.
    """
    for what, value in _carried_by(function):
        if _is_large(value):
            raise ValueError(
                "A function must carry no more than a worker should be sent, "
                f"which is {MAX_BYTES:,} bytes when pickled. Received: "
                f"function={name}, {what}, type={type(value).__name__}. "
                "Load it with a `Resource`, once a process, and name that in "
                "`uses`."
            )


def _carried_by(function: Any) -> Iterator[tuple[str, Any]]:
    """Yields what is pickled with a function, and where it stands."""
    if isinstance(function, functools.partial):
        yield "argument of a partial", (function.args, function.keywords)
        yield from _carried_by(function.func)
    elif isinstance(function, types.MethodType):
        yield "object of a method", function.__self__
    elif isinstance(function, types.FunctionType):
        if function.__module__ == "__main__":
            yield from _globals_of(function)
        elif _is_importable(function):
            return
        yield from _closure_of(function)
    elif not isinstance(function, _CODE):
        yield "object that is called", function


def _closure_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            yield f"closure over={name}", cell.cell_contents
        except ValueError:  # The cell is still empty.
            continue
    yield "default arguments", (function.__defaults__, function.__kwdefaults__)


def _globals_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    known = function.__globals__
    for name in _names_in(function.__code__):
        if name in known and not isinstance(known[name], _CODE):
            yield f"global={name}", known[name]


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, types.CodeType):  # a comprehension, for example
            yield from _names_in(one)


def _is_importable(function: types.FunctionType) -> bool:
    """Tells whether a function stands at the top of its module, as most do.

    While it is decorated its module does not hold it yet.
    """
    return (
        function.__qualname__.isidentifier()
        and function.__name__ != "<lambda>"
        and function.__module__ in sys.modules
    )


class _TooLarge(Exception):  # noqa: N818 - it is no error
    """More bytes than allowed."""


class _Counter:
    """A file that counts what is written and keeps nothing."""

    def __init__(self) -> None:
        self._room = MAX_BYTES

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._room -= size
        if self._room < 0:
            raise _TooLarge
        return size


def _is_large(value: Any) -> bool:
    try:
        pickle.Pickler(_Counter(), protocol=5).dump(value)
    except _TooLarge:
        return True
    except Exception:
        # What cannot be pickled cannot be measured; it says so itself when
        # somebody tries to send it.
        return False
    return False
