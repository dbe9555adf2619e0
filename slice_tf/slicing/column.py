"""One column of a table in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.row import Values, as_int64, plain_values

_NUMBERS = "biuf"
_KINDS = {"i": "int64_list", "f": "float_list"}


class Column:
    """Cells of one feature, one a row.

    Args:
        cells: Of any kind that an example can hold, None where it is missing.
        texts: The cells, where each is a str.
        numbers: The cells, where each is a number, or as many numbers as the
            others: int64 or float32 of shape `[rows]` or `[rows, count]`.
    """

    __slots__ = ("_cells", "numbers", "texts")

    def __init__(
        self,
        cells: Sequence[Any] = (),
        texts: list[str] | None = None,
        numbers: np.ndarray[Any, Any] | None = None,
    ) -> None:
        self._cells = cells
        self.texts = texts
        self.numbers = numbers

    @classmethod
    def of(cls, cells: Any) -> "Column":
        """Returns a column of an array or a sequence.

        Raises:
            TypeError: If it is neither.
        """
        array = cells if isinstance(cells, np.ndarray) and cells.ndim else None
        if array is not None and array.dtype.kind in _NUMBERS:
            return cls._of_numbers(array)
        if array is None and not isinstance(cells, (list, tuple)):
            raise TypeError(
                "A column must be an array or a list, one cell a row. "
                f"Received: type={type(cells).__name__}"
            )
        listed = list(cells) if array is None else array.tolist()
        kinds = set(map(type, listed))
        if kinds == {str}:
            return cls(texts=listed)
        if kinds and kinds <= {bool, int, float}:
            array = np.array(listed)
            # Of integers beyond int64, NumPy may make floats.
            if array.dtype.kind in ("f" if float in kinds else "biu"):
                return cls._of_numbers(array)
        return cls([None if _is_missing(cell) else cell for cell in listed])

    @classmethod
    def of_pandas(cls, series: Any) -> "Column":
        """Returns a column of a pandas Series."""
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in _NUMBERS:
            return cls._of_numbers(series.to_numpy())
        cells = series.astype(object).to_numpy().copy()
        cells[series.isna().to_numpy()] = None
        return cls.of(cells)

    @classmethod
    def of_arrow(cls, chunked: Any) -> "Column":
        """Returns a column of a pyarrow ChunkedArray."""
        if not chunked.null_count:
            array = chunked.to_numpy()
            if array.dtype.kind in _NUMBERS:
                return cls._of_numbers(array)
        return cls.of(chunked.to_pylist())

    @classmethod
    def _of_numbers(cls, array: np.ndarray[Any, Any]) -> "Column":
        flat = array.reshape(len(array), -1) if array.ndim > 2 else array
        if flat.ndim == 2 and flat.shape[1] == 1:
            flat = flat[:, 0]
        if array.dtype.kind == "f":
            return cls(numbers=flat.astype(np.float32, copy=False))
        return cls(numbers=as_int64(flat))

    def __len__(self) -> int:
        if self.numbers is not None:
            return len(self.numbers)
        return len(self._cells if self.texts is None else self.texts)

    def part(self, start: int, stop: int) -> "Column":
        """Returns some neighbouring cells."""
        if self.numbers is not None:
            return Column(numbers=self.numbers[start:stop])
        if self.texts is not None:
            return Column(texts=self.texts[start:stop])
        return Column(self._cells[start:stop])

    def raw(self, key: str, row: int) -> tuple[str, Values]:
        """Returns kind and values of a cell, as `Row.raw` does."""
        if self.numbers is not None:
            cell: Any = self.numbers[row].tolist()
            several = isinstance(cell, list)
            kind = _KINDS[self.numbers.dtype.kind]
            return kind, cell if several else [cell]
        if self.texts is not None:
            return "bytes_list", [self.texts[row].encode()]
        cell = self._cells[row]
        return ("", ()) if cell is None else plain_values(key, cell)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)
