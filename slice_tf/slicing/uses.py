"""What a function uses besides its example, by parameter name."""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

from slice_tf.slicing.resource import Resource

Uses = Mapping[str, Any]


class Preprocessing:
    """What a preprocessor is to those that use one; see `Preprocessor`."""

    name: str
    function: Callable[..., Any]
    batch: bool
    uses: Uses
    fingerprint: str


def checked(uses: Uses | None, function: Callable[..., Any]) -> Uses:
    """Returns what a function uses, read-only.

    Raises:
        TypeError: If `uses` is no mapping, or a value is neither a resource
            nor a preprocessor.
        ValueError: If the function has no parameter of such a name.
    """
    if not uses:
        return types.MappingProxyType({})
    if not isinstance(uses, Mapping):
        raise TypeError(
            "`uses` must map parameter names to resources and preprocessors. "
            f"Received: uses={uses!r}"
        )
    for name, one in uses.items():
        if not isinstance(one, (Resource, Preprocessing)):
            raise TypeError(
                "`uses` must hold resources and preprocessors. Received: "
                f"{name}={one!r}. Plain values may be default arguments."
            )
    missing = sorted(set(uses) - _parameters(function, uses))
    if missing:
        raise ValueError(
            "`uses` must name parameters of the function, because that is "
            f"how it gets what it uses. Received: {', '.join(missing)}"
        )
    return types.MappingProxyType(dict(uses))


def _parameters(function: Callable[..., Any], uses: Uses) -> set[str]:
    """Returns the names that a function takes by keyword."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # Some functions written in C do not say.
        return set(uses)
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return set(uses)
    return {
        one.name
        for one in parameters
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
