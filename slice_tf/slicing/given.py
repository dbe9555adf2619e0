"""What a function is given besides its examples."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


class Given:
    """Keyword arguments of a function, for each of some rows.

    Args:
        resources: Whole, by parameter name.
        values: What preprocessors made of the rows, one a row, by parameter
            name: a list, or an array whose first axis is the rows.
    """

    def __init__(
        self, resources: Mapping[str, Any], values: Mapping[str, Sequence[Any]]
    ) -> None:
        self._resources = resources
        self._values = values

    def __bool__(self) -> bool:
        return bool(self._resources or self._values)

    @property
    def by_row(self) -> Iterable[dict[str, Any]]:
        """Keyword arguments for each row."""
        if not self._values:
            return itertools.repeat(dict(self._resources))
        return self._by_row

    @functools.cached_property
    def _by_row(self) -> list[dict[str, Any]]:
        names = tuple(self._values)
        return [
            {**self._resources, **dict(zip(names, values, strict=True))}
            for values in zip(*self._values.values(), strict=True)
        ]

    @property
    def at_once(self) -> dict[str, Any]:
        """Keyword arguments for all rows."""
        return {**self._resources, **self._values}

    def part(self, start: int, stop: int) -> "Given":
        """Returns what is given for neighbouring rows."""
        values = {
            name: value[start:stop] for name, value in self._values.items()
        }
        return Given(self._resources, values)

    def take(self, rows: Sequence[int]) -> "Given":
        """Returns what is given for some rows."""
        values = {
            name: value[rows]
            if isinstance(value, np.ndarray)
            else [value[row] for row in rows]
            for name, value in self._values.items()
        }
        return Given(self._resources, values)
