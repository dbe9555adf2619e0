"""What several slicing functions want computed once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, overload

from slice_tf.slicing.carried import check_carried
from slice_tf.slicing.fingerprint import fingerprint_of
from slice_tf.slicing.importable import module_name_of, revival_of
from slice_tf.slicing.uses import Preprocessing, checked


class Preprocessor(Preprocessing):
    """Computes something of an example, once for all functions that use it.

    What it returned is kept while one chunk of examples is asked about, and
    shared: those who use it must not change it. Where it raises, membership
    of that example is unknown to the functions that use it, and to no others.

    Args:
        function: Takes a `Row` and returns any value; with `batch`, takes a
            `Batch` and returns one value a row: an array whose first axis
            is the batch, or a list or an iterator.
        name: What messages call it.
        version: Change it when something changes that the function uses but
            does not contain.
        batch: Whether the function takes a `Batch`.
        uses: Resources and other preprocessors, by parameter name.

    Raises:
        TypeError: If `function` cannot be called, or `uses` holds anything
            else.
        ValueError: If the function lacks a parameter that `uses` names, or
            carries more than a worker should be sent.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        version: str = "1",
        batch: bool = False,
        uses: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(
                "`preprocessor` must decorate a function. Received: "
                f"function={function!r}"
            )
        check_carried(function, name)
        self.function = function
        self.name = name
        self.version = str(version)
        self.batch = bool(batch)
        self.uses = checked(uses, function)
        self.__doc__ = function.__doc__
        self.__module__ = module_name_of(function)

    def __call__(self, row_or_batch: Any, **given: Any) -> Any:
        """Returns what the function returns, given all that it uses."""
        return self.function(row_or_batch, **given)

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Sixteen hexadecimal digits that change with the preprocessor."""
        return fingerprint_of(self.name, self.version, self.function, self.uses)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by import path where that leads back to this object."""
        facts = (self.name, self.version, self.batch, dict(self.uses))
        return revival_of(self, self.__module__, self.name) or (
            type(self),
            (self.function, *facts),
        )

    def __repr__(self) -> str:
        return f"Preprocessor({self.name!r})"


@overload
def preprocessor(function: Callable[..., Any], /) -> Preprocessor: ...


@overload
def preprocessor(
    *,
    name: str = "",
    version: str = "1",
    batch: bool = False,
    uses: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], Preprocessor]: ...


def preprocessor(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    **facts: Any,
) -> Any:
    """Makes a preprocessor; use with or without arguments.

    ```python
    @preprocessor
    def words(row):
        return row.text("review").lower().split()


    @slicing_function(uses={"words": words})
    def rambling(row, words):
        return len(words) > 500
    ```

    Args:
        function: The function, where the decorator stands without arguments.
        name: What messages call it; the function's own name by default.
        **facts: `version`, `batch` and `uses` of `Preprocessor`.

    Raises:
        TypeError: If what is decorated cannot be called.
    """

    def decorate(function: Callable[..., Any]) -> Preprocessor:
        own = getattr(function, "__name__", type(function).__name__)
        return Preprocessor(function, name or own, **facts)

    return decorate if function is None else decorate(function)
