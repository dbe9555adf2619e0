"""Slicing functions over tables in memory."""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.apply import VoteError, Votes, apply_to_batch
from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.table import batches_of

MAX_ERRORS = 100  # Of each function; `unknown` counts all.


def apply_to_table(
    functions: Sequence[SlicingFunction],
    table: Any,
    *,
    batch_size: int = 256,
    progress: Callable[[int], None] | None = None,
) -> Votes:
    """Asks every function about every row of a table.

    Args:
        functions: The slicing functions; column i of the votes is function i.
        table: A mapping of columns of equal length, a pandas DataFrame, a
            pyarrow Table, or an iterable of mappings, one a row. None stands
            for a feature that a row lacks; so does NaN, but in columns of
            floats.
        batch_size: Rows that batch functions see, and that preprocessors keep
            in memory, at once. Votes do not depend on it.
        progress: Called with the number of rows that are done, every batch.

    Returns:
        Votes on all rows, with the first hundred errors of each function.

    Raises:
        ResourceError: If a resource that a function uses is not there.
        TypeError: If the table is nothing of these.
        ValueError: If columns differ in length, or `batch_size` is not
            positive.
    """
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be positive. Received: batch_size={batch_size}"
        )
    parts: list[Votes] = []
    errors: list[VoteError] = []
    kept: collections.Counter[str] = collections.Counter()
    done = 0
    for batch in batches_of(table, batch_size):
        votes = apply_to_batch(functions, batch)
        parts.append(dataclasses.replace(votes, errors=[]))
        for error in votes.errors:
            if kept[error.name] < MAX_ERRORS:
                kept[error.name] += 1
                errors.append(dataclasses.replace(error, row=done + error.row))
        done += len(batch)
        if progress is not None:
            progress(done)
    return _joined(parts, errors, [one.name for one in functions])


def slice_table(function: SlicingFunction, table: Any) -> Any:
    """Returns the rows of a table that are in a slice.

    Rows where the function fails are not among them.

    Args:
        function: The slicing function.
        table: As for `apply_to_table`.

    Returns:
        A dict of columns, a DataFrame, a Table, or a list of mappings, as was
        given.
    """
    if hasattr(table, "column_names") and hasattr(table, "take"):
        return table.take(_members(function, table))
    if hasattr(table, "iloc"):
        return table.iloc[_members(function, table)]
    if isinstance(table, Mapping):
        members = _members(function, table)
        return {key: _taken(cells, members) for key, cells in table.items()}
    rows = list(table)
    return [rows[row] for row in _members(function, rows)]


def _taken(cells: Any, rows: Any) -> Any:
    if isinstance(cells, np.ndarray):
        return cells[rows]
    return [cells[row] for row in rows]


def _members(function: SlicingFunction, table: Any) -> Any:
    return np.flatnonzero(apply_to_table([function], table).membership[:, 0])


def _joined(
    parts: Sequence[Votes], errors: list[VoteError], names: list[str]
) -> Votes:
    empty = np.zeros((0, len(names)), np.uint8)
    order = {name: index for index, name in enumerate(names)}
    return Votes(
        np.concatenate([empty, *(one.membership for one in parts)]),
        np.concatenate([empty, *(one.unknown for one in parts)]),
        sorted(errors, key=lambda error: (order[error.name], error.row)),
    )
