"""A short name for what a function does."""

import functools
import hashlib
import inspect
import pickle
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_PLAIN = (str, bytes, int, float, bool, type(None))


def fingerprint_of(
    name: str,
    version: str,
    function: Callable[..., Any],
    uses: Mapping[str, Any],
) -> str:
    """Returns sixteen hexadecimal digits that change with the function.

    They cover its name, version, source, defaults, the plain values that it
    closes over, and the fingerprints of what it uses; not what it calls, nor
    files it reads. Where the source is not at hand, the bytecode stands in,
    which differs between versions of Python.
    """
    parts = [name, version, *_describe(function)]
    parts += [f"{use}={one.fingerprint}" for use, one in sorted(uses.items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _describe(function: Any) -> Iterator[str]:
    if isinstance(function, functools.partial):
        yield from _describe(function.func)
        yield _plain(function.args)
        yield _plain(sorted(function.keywords.items()))
    elif isinstance(function, types.MethodType):
        yield from _describe(function.__func__)
        yield _plain(sorted(getattr(function.__self__, "__dict__", {}).items()))
    elif isinstance(function, types.FunctionType):
        yield _source(function)
        yield _plain(function.__defaults__ or ())
        yield _plain(sorted((function.__kwdefaults__ or {}).items()))
        yield _plain([_contents(cell) for cell in function.__closure__ or ()])
    elif inspect.isbuiltin(function) or inspect.isclass(function):
        yield f"{function.__module__}.{function.__qualname__}"
    elif hasattr(function, "__wrapped__"):
        yield from _describe(function.__wrapped__)
    elif isinstance(type(function).__call__, types.FunctionType):
        yield from _describe(type(function).__call__.__get__(function))
    else:  # of a class in C, such as `operator.itemgetter`
        yield pickle.dumps(function, protocol=4).hex()


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is still empty
        return None


def _source(function: types.FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return _bytecode(function.__code__)


def _bytecode(code: types.CodeType) -> str:
    constants = [
        _bytecode(one) if isinstance(one, types.CodeType) else _plain(one)
        for one in code.co_consts
    ]
    return repr((code.co_code.hex(), constants, code.co_names))


def _plain(value: Any) -> str:
    """Returns a text that is the same in every process, or a type's name."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_plain(item) for item in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(_plain(item) for item in value))}}}"
    if isinstance(value, dict):
        return _plain([(key, value[key]) for key in value])
    if isinstance(value, re.Pattern):
        return repr((value.pattern, value.flags))
    if isinstance(value, types.FunctionType):
        # Not what it closes over in turn: that may be the function itself.
        return _source(value)
    return type(value).__qualname__
