"""Several examples as a vectorized slicing function sees them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.row import Row, missing

_DTYPES = {"float_list": np.float32, "int64_list": np.int64}


class Batch:
    """Columns over rows, each built when it is first read.

    `batch[key]` is an array that must not be written to:

    - numbers, one a row: float32 or int64 of shape `[batch]`;
    - numbers, the same count in every row: of shape `[batch, count]`;
    - bytes: an object array of the same shapes;
    - other counts: an object array of shape `[batch]` that holds an array, or
      a list of bytes, a row.

    The shape depends on all rows of a batch. Where the count differs between
    examples, read `batch.rows` instead. `len(batch)` is the number of
    rows; iteration gives the names of the features.

    Args:
        rows: The rows, in order.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._columns: dict[str, np.ndarray[Any, Any]] = {}
        self._texts: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: str) -> bool:
        return any(key in row for row in self.rows)

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        """Returns a column.

        Raises:
            ValueError: If a row lacks the feature.
            TypeError: If the feature's kind differs between rows.
        """
        if key not in self._columns:
            column = self._column(key)
            column.flags.writeable = False
            self._columns[key] = column
        return self._columns[key]

    def keys(self) -> list[str]:
        """Returns the names of the features of any row, sorted."""
        return sorted(set().union(*self.rows))

    def text(self, key: str) -> list[str]:
        """Returns a bytes feature of one value a row as UTF-8 texts.

        All who ask get the same list, which must not be changed.

        Raises:
            ValueError: If a row lacks the feature, has several values, or its
                value is no UTF-8.
            TypeError: If it holds numbers.
        """
        if key not in self._texts:
            self._texts[key] = [row.text(key) for row in self.rows]
        return self._texts[key]

    def part(self, start: int, stop: int) -> "Batch":
        """Returns some neighbouring rows."""
        return Batch(self.rows[start:stop])

    def take(self, rows: Sequence[int]) -> "Batch":
        """Returns the rows at some positions."""
        return Batch([self.rows[row] for row in rows])

    def _column(self, key: str) -> np.ndarray[Any, Any]:
        found = [row.raw(key) for row in self.rows]
        kinds = {kind for kind, _ in found}
        if not kinds - {""}:
            raise ValueError(missing(key, self.keys()))
        if "" in kinds:
            lacking = sum(not kind for kind, _ in found)
            raise ValueError(
                "Every row of a batch must have the feature that is read. "
                f"Received: feature={key!r}, rows without it={lacking} of "
                f"{len(found)}"
            )
        if len(kinds) > 1:
            raise TypeError(
                "A feature must be of one kind in every row. Received: "
                f"feature={key!r}, kinds={', '.join(sorted(kinds))}"
            )
        dtype = _DTYPES.get(kinds.pop(), object)
        return _stack([values for _, values in found], dtype)


def _stack(values: list[Sequence[Any]], dtype: Any) -> np.ndarray[Any, Any]:
    counts = {len(row) for row in values}
    if len(counts) > 1:
        ragged = np.empty(len(values), object)
        for index, row in enumerate(values):
            ragged[index] = list(row) if dtype is object else np.array(row)
        return ragged
    column = np.array([list(row) for row in values], dtype)
    return column[:, 0] if counts == {1} else column
