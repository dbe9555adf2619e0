"""Where an object lives, so that it travels by import path and not by value."""

import functools
import sys
import types
from typing import Any

from slice_tf.slicing.modules import FILE_MARK, module_of


def module_name_of(function: Any) -> str:
    """Returns the name of the module that a function was written in."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__module__", None) or "__main__"


def place_of(module_name: str) -> str:
    """Returns what a person types for a module: its name, or its file."""
    names = vars(sys.modules.get(module_name, object))
    return str(names.get(FILE_MARK, module_name))


def import_path_of(value: Any, module_name: str, fallback: str) -> str:
    """Returns `module:attribute`, or `file.py:attribute`, of an object.

    Args:
        value: The object.
        module_name: Name of the module that is searched.
        fallback: Attribute where no name of the module holds the object.
    """
    names = vars(sys.modules.get(module_name, object))
    held = (key for key, held in names.items() if held is value)
    return f"{place_of(module_name)}:{next(held, fallback)}"


def revival_of(
    value: Any, module_name: str, fallback: str
) -> tuple[Any, tuple[str, str]] | None:
    """Returns how `pickle` finds an object again, None if it cannot."""
    path = import_path_of(value, module_name, fallback)
    place, _, attribute = path.rpartition(":")
    module = sys.modules.get(module_name)
    if place != "__main__" and getattr(module, attribute, None) is value:
        return _revive, (place, attribute)
    return None


def _revive(place: str, attribute: str) -> Any:
    """Unpickles an object by its import path."""
    return getattr(module_of(place), attribute)


def path_of(function: Any) -> str:
    """Returns the import path of a function at the top of its module.

    Raises:
        TypeError: If it is neither a function nor a class.
        ValueError: If its module does not hold it by a name.
    """
    if not isinstance(function, (types.FunctionType, type)):
        raise TypeError(
            "What a worker calls must be a function of a module, or its "
            f"import path. Received: function={function!r}"
        )
    name = function.__qualname__
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(
            "What a worker calls must have a name in its module, because it "
            f"is found by that name. Received: function={function!r}. Move it "
            "to the top of the module, and hand it what it closes over as "
            "arguments."
        )
    return f"{place_of(module_name_of(function))}:{name}"
