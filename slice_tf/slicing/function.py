"""Slicing functions and the decorator that makes them."""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, overload

from slice_tf.schema import check_name
from slice_tf.slicing.fingerprint import fingerprint_of

# Global by which `loading` marks a module that it ran from a file.
FILE_MARK = "__slice_tf_file__"


class SlicingFunction:
    """Says of an example whether it is in a slice.

    The function must depend on nothing but its argument and return 0 or 1, as
    a bool or an integer. Where it raises or returns anything else, membership
    of that example is unknown.

    Args:
        function: Takes a `Row` and returns one vote; with `batch`, takes a
            `Batch` and returns one vote a row.
        name: Name of the slice: lower-case letters, digits and underscores.
        description: What the slice is; the first line of the function's
            docstring by default.
        owner: Who answers for it.
        version: Change it when something changes that the function uses but
            does not contain, such as a word list.
        batch: Whether the function takes a `Batch`.
        needs: Features that it reads, for `check_needs` to look for before a
            long job starts.

    Raises:
        TypeError: If `function` cannot be called, or an argument has a wrong
            type.
        ValueError: If `name` is malformed or reserved.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        name: str,
        description: str = "",
        owner: str = "",
        version: str = "1",
        batch: bool = False,
        needs: Sequence[str] = (),
    ) -> None:
        _check_function(function)
        check_name(name)
        if isinstance(needs, str):
            raise TypeError(
                "`needs` must be a sequence of feature names. Received: "
                f"needs={needs!r}"
            )
        self.function = function
        self.name = name
        self.description = description or _first_line(function)
        self.owner = owner
        self.version = str(version)
        self.batch = bool(batch)
        self.needs = tuple(needs)
        self.__doc__ = function.__doc__
        self.__module__ = _module_name(function)

    def __call__(self, row_or_batch: Any) -> Any:
        """Returns what the function returns."""
        return self.function(row_or_batch)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with the function."""
        return fingerprint_of(self.name, self.version, self.function)

    @property
    def import_path(self) -> str:
        """Where the function lives: `module:attribute`, or `file.py:attribute`.

        A function that no module holds by a name of its own, such as a member
        of a list, has its slice's name as attribute.
        """
        module = sys.modules.get(self.__module__)
        names = vars(module) if module else {}
        held = (key for key, value in names.items() if value is self)
        place = names.get(FILE_MARK, self.__module__)
        return f"{place}:{next(held, self.name)}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by import path where that leads back to this object."""
        place, _, attribute = self.import_path.partition(":")
        module = sys.modules.get(self.__module__)
        if getattr(module, attribute, None) is self and place != "__main__":
            return _revive, (place, attribute)
        facts = (self.name, self.description, self.owner, self.version)
        return type(self), (self.function, *facts, self.batch, self.needs)

    def __repr__(self) -> str:
        return f"SlicingFunction({self.name!r}, {self.import_path!r})"


@overload
def slicing_function(function: Callable[[Any], Any], /) -> SlicingFunction: ...


@overload
def slicing_function(
    *,
    name: str = "",
    description: str = "",
    owner: str = "",
    version: str = "1",
    batch: bool = False,
    needs: Sequence[str] = (),
) -> Callable[[Callable[[Any], Any]], SlicingFunction]: ...


def slicing_function(
    function: Callable[[Any], Any] | None = None,
    /,
    *,
    name: str = "",
    **facts: Any,
) -> Any:
    """Makes a slicing function; use with or without arguments.

    ```python
    @slicing_function
    def short(row):
        "Reviews of fewer than fifty characters."
        return len(row.text("review")) < 50


    @slicing_function(name="angry", owner="anna", batch=True)
    def shouts(batch):
        return [text.isupper() for text in batch.text("review")]
    ```

    Args:
        function: The function, where the decorator stands without arguments.
        name: Name of the slice; the function's own name by default.
        **facts: `description`, `owner`, `version`, `batch` and `needs` of
            `SlicingFunction`.

    Raises:
        TypeError: If what is decorated cannot be called.
        ValueError: If a function without a name, such as a lambda, gets none.
    """

    def decorate(function: Callable[[Any], Any]) -> SlicingFunction:
        _check_function(function)
        return SlicingFunction(function, name or _name_of(function), **facts)

    return decorate if function is None else decorate(function)


def _check_function(function: Any) -> None:
    if isinstance(function, SlicingFunction):
        raise TypeError(
            "A slicing function must be made of a plain function, not of "
            f"another slicing function. Received: function={function!r}"
        )
    if not callable(function):
        raise TypeError(
            "`slicing_function` must decorate a function. Received: "
            f"function={function!r}. Write `@slicing_function` or "
            '`@slicing_function(name="...")`.'
        )


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", "")
    if name in ("", "<lambda>"):
        raise ValueError(
            "A function without a name needs one to name its slice. Received: "
            f'function={function!r}. Pass `name="..."`.'
        )
    return str(name)


def _first_line(function: Any) -> str:
    if not isinstance(function, type) and hasattr(function, "__name__"):
        return next(iter((function.__doc__ or "").strip().splitlines()), "")
    return ""


def _module_name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__module__", None) or "__main__"


def _revive(place: str, attribute: str) -> Any:
    """Unpickles a slicing function by its import path."""
    from slice_tf.slicing.loading import module_of  # imports this file

    return getattr(module_of(place), attribute)
