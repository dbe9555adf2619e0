"""Slicing functions and the decorator that makes them."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from slice_tf.schema import check_name
from slice_tf.slicing.batch import Batch
from slice_tf.slicing.carried import check_carried
from slice_tf.slicing.chunk import Chunk
from slice_tf.slicing.fingerprint import fingerprint_of
from slice_tf.slicing.importable import (
    import_path_of,
    module_name_of,
    revival_of,
)
from slice_tf.slicing.uses import checked


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
        uses: Resources and preprocessors, by the name of the parameter that
            gets what they load, or make of the example.

    Raises:
        TypeError: If `function` cannot be called, or an argument has a wrong
            type.
        ValueError: If `name` is malformed or reserved, the function lacks a
            parameter that `uses` names, or carries more than a worker should
            be sent.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        description: str = "",
        owner: str = "",
        version: str = "1",
        batch: bool = False,
        needs: Sequence[str] = (),
        uses: Mapping[str, Any] | None = None,
    ) -> None:
        _check_function(function)
        check_name(name)
        check_carried(function, name)
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
        self.uses = checked(uses, function)
        self.__doc__ = function.__doc__
        self.__module__ = module_name_of(function)

    def __call__(self, row_or_batch: Any) -> Any:
        """Returns what the function returns, given all that it uses.

        Raises:
            Exception: Whatever the function, or a preprocessor, raises.
        """
        if not self.uses:
            return self.function(row_or_batch)
        batch = row_or_batch if self.batch else Batch([row_or_batch])
        given = Chunk(batch).give(self.uses)
        if self.batch:
            return self.function(batch, **given.at_once)
        return self.function(row_or_batch, **next(iter(given.by_row)))

    @functools.cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with the function."""
        return fingerprint_of(self.name, self.version, self.function, self.uses)

    @property
    def import_path(self) -> str:
        """Where the function lives: `module:attribute`, or `file.py:attribute`.

        A function that no module holds by a name of its own, such as a member
        of a list, has its slice's name as attribute.
        """
        return import_path_of(self, self.__module__, self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by import path where that leads back to this object."""
        facts = (self.name, self.description, self.owner, self.version)
        rest = (self.batch, self.needs, dict(self.uses))
        return revival_of(self, self.__module__, self.name) or (
            type(self),
            (self.function, *facts, *rest),
        )

    def __repr__(self) -> str:
        return f"SlicingFunction({self.name!r}, {self.import_path!r})"


@overload
def slicing_function(function: Callable[..., Any], /) -> SlicingFunction: ...


@overload
def slicing_function(
    *,
    name: str = "",
    description: str = "",
    owner: str = "",
    version: str = "1",
    batch: bool = False,
    needs: Sequence[str] = (),
    uses: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], SlicingFunction]: ...


def slicing_function(
    function: Callable[..., Any] | None = None,
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
        **facts: `description`, `owner`, `version`, `batch`, `needs` and
            `uses` of `SlicingFunction`.

    Raises:
        TypeError: If what is decorated cannot be called.
        ValueError: If a function without a name, such as a lambda, gets none.
    """

    def decorate(function: Callable[..., Any]) -> SlicingFunction:
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
