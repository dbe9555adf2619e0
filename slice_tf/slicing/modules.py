"""Modules by a path that a person or a worker types."""

import hashlib
import importlib
import importlib.util
import operator
import os
import pathlib
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from slice_tf.near_miss import did_you_mean

# Global that marks a module which ran from a file, and names the file.
FILE_MARK = "__slice_tf_file__"


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


def attribute_of(path: str) -> Any:
    """Returns what stands at `module:attribute` or `file.py:attribute`.

    Raises:
        ValueError: If there is no such module, file or attribute.
    """
    place, _, attribute = path.rpartition(":")
    module = module_of(place)
    try:
        return operator.attrgetter(attribute)(module)
    except AttributeError as error:
        raise ValueError(
            "A module must have the attribute that is asked for. Received: "
            f"module={place}, attribute={attribute!r}."
            f"{near(attribute, vars(module))}"
        ) from error


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


def near(name: str, names: Iterable[str]) -> str:
    """Returns a question that names the near miss, or nothing."""
    return did_you_mean(name, [one for one in names if not one.startswith("_")])


def _no_module(place: str, missing: str) -> str:
    parent, _, name = missing.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None)
    siblings = (one.name for one in pkgutil.iter_modules(path))
    hint = near(name, siblings)
    return (
        "Slicing functions must come from a module that can be imported. "
        f"Received: module={place}, not found={missing}.{hint} A file is "
        "named by its path, such as ./slices.py."
    )


def _no_file(place: str, path: pathlib.Path) -> str:
    beside = (one.name for one in path.parent.glob("*.py"))
    return (
        "Slicing functions must come from a file that exists. Received: "
        f"file={place}.{near(path.name, beside)}"
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
