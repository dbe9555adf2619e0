"""Finds slicing functions by a path that a person or a worker types."""

import difflib
import hashlib
import importlib
import importlib.util
import os
import pathlib
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from slice_tf.slicing.function import FILE_MARK, SlicingFunction


def load(path: str) -> list[SlicingFunction]:
    """Returns the slicing functions at an import path.

    The working directory, or a file's own directory, becomes importable, so
    that functions may import what lies beside them.

    Args:
        path: `module`, `module:attribute`, `file.py` or `file.py:attribute`.
            An attribute is a slicing function, or a list or tuple of them;
            without one, all of the module count, in the order in which it
            names them.

    Raises:
        ValueError: If there is no such module, file or attribute, it holds no
            slicing function, or it fails when it is imported. The message
            names the near miss, or the failing file and line.
    """
    place, _, attribute = path.partition(":")
    module = module_of(place)
    if attribute:
        return _of_attribute(module, place, attribute)
    found = _unique(
        one for value in vars(module).values() for one in _functions_in(value)
    )
    if not found:
        raise ValueError(
            "A module must hold slicing functions to be applied. Received: "
            f"module={place}. Decorate its functions with `@slicing_function`."
        )
    return found


def module_of(place: str) -> ModuleType:
    """Returns the module of a dotted name or a `.py` file, imported once.

    Raises:
        ValueError: If there is none or it fails when it is imported.
    """
    if place.endswith(".py") or os.sep in place:
        return _module_of_file(place)
    if not all(part.isidentifier() for part in place.split(".")):
        raise ValueError(_no_module(place, place))
    _make_importable(os.getcwd())
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if place == error.name or place.startswith(f"{error.name}."):
            raise ValueError(_no_module(place, str(error.name))) from error
        raise ValueError(_failed_import(place, error)) from error
    except Exception as error:
        raise ValueError(_failed_import(place, error)) from error


def _module_of_file(place: str) -> ModuleType:
    path = pathlib.Path(place).resolve()
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = f"slice_tf_file_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise ValueError(_no_file(place, path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(
            "Slicing functions must come from a Python file. Received: "
            f"file={place}"
        )
    module = importlib.util.module_from_spec(spec)
    setattr(module, FILE_MARK, place)
    _make_importable(str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(_failed_import(place, error)) from error
    return module


def _make_importable(directory: str) -> None:
    """Adds a directory last, so that it hides no installed package."""
    if directory not in sys.path:
        sys.path.append(directory)


def _of_attribute(
    module: ModuleType, place: str, attribute: str
) -> list[SlicingFunction]:
    if not hasattr(module, attribute):
        raise ValueError(
            "A module must have the attribute that is asked for. Received: "
            f"module={place}, attribute={attribute!r}."
            f"{_near(attribute, vars(module))}"
        )
    value = getattr(module, attribute)
    found = _unique(_functions_in(value))
    if not found:
        raise ValueError(
            "An attribute must be a slicing function, or a list of them. "
            f"Received: module={place}, attribute={attribute!r}, "
            f"type={type(value).__name__}. Decorate a function with "
            "`@slicing_function`."
        )
    return found


def _functions_in(value: Any) -> Iterator[SlicingFunction]:
    """Yields a slicing function, or the members of a list of nothing else."""
    members = value if isinstance(value, (list, tuple)) else [value]
    if all(isinstance(one, SlicingFunction) for one in members):
        yield from members


def _unique(found: Iterable[SlicingFunction]) -> list[SlicingFunction]:
    return list({id(one): one for one in found}.values())


def _near(name: str, names: Iterable[str]) -> str:
    public = [known for known in names if not known.startswith("_")]
    near = difflib.get_close_matches(name, public, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _no_module(place: str, missing: str) -> str:
    parent, _, name = missing.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None)
    siblings = (one.name for one in pkgutil.iter_modules(path))
    near = _near(name, siblings)
    return (
        "Slicing functions must come from a module that can be imported. "
        f"Received: module={place}, not found={missing}.{near} A file is "
        "named by its path, such as ./slices.py."
    )


def _no_file(place: str, path: pathlib.Path) -> str:
    beside = (one.name for one in path.parent.glob("*.py"))
    return (
        "Slicing functions must come from a file that exists. Received: "
        f"file={place}.{_near(path.name, beside)}"
    )


def _failed_import(place: str, error: Exception) -> str:
    if isinstance(error, SyntaxError):
        file, line = error.filename, error.lineno
    else:
        # The last line at the top of a module, not the library code below it
        # that noticed.
        frames = traceback.extract_tb(error.__traceback__)
        tops = [one for one in frames if one.name == "<module>"]
        frame = (tops or frames)[-1]
        file, line = frame.filename, frame.lineno
    return (
        "A module with slicing functions must be importable. Received: "
        f"module={place}, file={file}, line={line}, "
        f"error={type(error).__name__}: {error}"
    )
