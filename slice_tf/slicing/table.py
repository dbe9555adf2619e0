"""Tables in memory as slicing functions see them."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.batch import Batch
from slice_tf.slicing.column import Column
from slice_tf.slicing.row import REQUIRED, Row, Values


def batches_of(table: Any, size: int) -> Iterator[Batch]:
    """Yields a table in batches.

    Args:
        table: A mapping of columns of equal length, a pandas DataFrame, a
            pyarrow Table, or an iterable of mappings, one a row. None stands
            for a feature that a row lacks; so does NaN, but in columns of
            floats.
        size: Rows of a batch.

    Raises:
        TypeError: If it is nothing of these, or a cell holds what no example
            can.
        ValueError: If columns differ in length.
    """
    columns = _columns_of(table)
    if columns is None:
        yield from _batches_of_rows(table, size)
        return
    for start in range(0, _length_of(columns), size):
        yield TableBatch(
            {name: one.part(start, start + size) for name, one in columns}
        )


def _columns_of(table: Any) -> list[tuple[str, Column]] | None:
    """Returns names and columns, None where the table comes by rows."""
    if hasattr(table, "column_names") and hasattr(table, "to_pylist"):
        names = list(table.column_names)
        columns = [Column.of_arrow(one) for one in table.columns]
    elif hasattr(table, "columns") and hasattr(table, "iloc"):
        names = list(table.columns)
        columns = [Column.of_pandas(table[name]) for name in names]
    elif isinstance(table, Mapping):
        names = list(table)
        columns = [Column.of(cells) for cells in table.values()]
    else:
        return None
    if not all(isinstance(name, str) for name in names):
        raise TypeError(
            "Columns must be named by strings, because features are. "
            f"Received: columns={names!r}"
        )
    return list(zip(names, columns, strict=True))


def _length_of(columns: Sequence[tuple[str, Column]]) -> int:
    lengths = {name: len(column) for name, column in columns}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "Columns of a table must be of equal length. Received: "
            + ", ".join(f"{name}={size}" for name, size in lengths.items())
        )
    return next(iter(lengths.values()), 0)


def _batches_of_rows(table: Any, size: int) -> Iterator[Batch]:
    if isinstance(table, (str, bytes)) or not isinstance(table, Iterable):
        raise TypeError(
            "A table must be a mapping of columns, a pandas DataFrame, a "
            "pyarrow Table, or an iterable of mappings. Received: "
            f"type={type(table).__name__}"
        )
    rows = iter(table)
    while chunk := list(itertools.islice(rows, size)):
        yield Batch([_row_of(one) for one in chunk])


def _row_of(features: Any) -> Row:
    if isinstance(features, Row):
        return features
    if not isinstance(features, Mapping):
        raise TypeError(
            "A row of a table must map names to values. Received: "
            f"type={type(features).__name__}"
        )
    there = {key: cell for key, cell in features.items() if cell is not None}
    return Row.from_mapping(there)


class TableBatch(Batch):
    """A batch whose columns are there already.

    Args:
        columns: Columns of equal length, by name.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        size = len(next(iter(columns.values()))) if columns else 0
        super().__init__([TableRow(columns, row) for row in range(size)])
        self._table = columns

    def text(self, key: str) -> list[str]:
        """Returns a bytes feature of one value a row as UTF-8 texts."""
        column = self._table.get(key)
        if column is not None and column.texts is not None:
            return column.texts
        return super().text(key)

    def part(self, start: int, stop: int) -> Batch:
        """Returns some neighbouring rows."""
        return TableBatch(
            {key: one.part(start, stop) for key, one in self._table.items()}
        )

    def _column(self, key: str) -> np.ndarray[Any, Any]:
        column = self._table.get(key)
        if column is not None and column.numbers is not None:
            return column.numbers.view()
        return super()._column(key)


class TableRow(Row):
    """One row of a table's columns, whose cells are read when asked for."""

    __slots__ = ("_index", "_table")

    def __init__(self, table: Mapping[str, Column], index: int) -> None:
        super().__init__({}, {})
        self._table = table
        self._index = index

    def text(self, key: str, default: Any = REQUIRED) -> Any:
        """Returns a bytes feature's one value as UTF-8 text."""
        known = self._texts.get(key)
        if known is not None:
            return known
        column = self._table.get(key)
        if column is None or column.texts is None:
            return super().text(key, default)
        text = self._texts[key] = column.texts[self._index]
        return text

    def raw(self, key: str) -> tuple[str, Values]:
        """Returns a feature's kind and values as an example would."""
        known = self._read.get(key)
        if known is not None:
            return known
        column = self._table.get(key)
        found = column.raw(key, self._index) if column is not None else ("", ())
        self._read[key] = found
        return found

    def keys(self) -> list[str]:
        """Returns the names of the features, sorted."""
        return sorted(key for key in self._table if self.raw(key)[0])
