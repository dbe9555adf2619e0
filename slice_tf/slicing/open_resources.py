"""Loads what slicing functions use before they are asked."""

from collections.abc import Iterable
from typing import Any

from slice_tf.slicing.resource import Resource


def open_resources(functions: Iterable[Any]) -> None:
    """Loads every resource that functions or their preprocessors use.

    It happens by itself when the first example is asked about. Call it before
    to fail early, or to keep loading out of what is timed.

    Args:
        functions: Slicing functions, or preprocessors.

    Raises:
        ResourceError: If one cannot be loaded; the message names its loader.
    """
    for function in functions:
        for used in function.uses.values():
            if isinstance(used, Resource):
                used.get()
            else:
                open_resources([used])
