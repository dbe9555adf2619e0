"""Finds slicing functions by a path that a person or a worker types."""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.modules import module_of, near


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


def _of_attribute(
    module: ModuleType, place: str, attribute: str
) -> list[SlicingFunction]:
    if not hasattr(module, attribute):
        raise ValueError(
            "A module must have the attribute that is asked for. Received: "
            f"module={place}, attribute={attribute!r}."
            f"{near(attribute, vars(module))}"
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
