"""Slicing functions over rows in memory."""

import dataclasses
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.slicing.batch import Batch
from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.row import Row

# Stands in a column where a function failed; a vote is 0 or 1.
_FAILED = -1
Column = npt.NDArray[np.int8]
# Row: class and text of the exception. Exceptions themselves would keep the
# frames, and so the rows, alive.
Failures = dict[int, tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class VoteError:
    """A slicing function failed on a row.

    Args:
        row: Index of the row.
        name: Name of the slice.
        exception: Class of the exception, such as `ValueError`.
        message: The exception's text, which may quote the example.
    """

    row: int
    name: str
    exception: str
    message: str


@dataclasses.dataclass(frozen=True, eq=False)
class Votes:
    """What slicing functions say about rows.

    Args:
        membership: 1 where the row is in the slice, 0 where it is not or the
            function failed: uint8 of shape `[rows, slices]`.
        unknown: 1 where the function failed, of the same shape.
        errors: One for every 1 in `unknown`, by slice, then by row.
    """

    membership: npt.NDArray[np.uint8]
    unknown: npt.NDArray[np.uint8]
    errors: list[VoteError]


def apply_functions(
    functions: Sequence[SlicingFunction], rows: Sequence[Row]
) -> Votes:
    """Asks every function about every row.

    A function that raises, or returns anything but 0 or 1 as a bool or an
    integer, leaves that row unknown and spoils no other. A batch function
    that raises is asked again about each half, down to the rows that fail;
    an answer of a wrong length leaves all rows unknown.

    Args:
        functions: The slicing functions; column i of the votes is function i.
        rows: The rows.
    """
    columns = np.zeros((len(rows), len(functions)), np.int8)
    errors: list[VoteError] = []
    batch = Batch(rows)
    for index, function in enumerate(functions):
        columns[:, index], failures = _vote(function, batch)
        errors += [
            VoteError(row, function.name, *failure)
            for row, failure in sorted(failures.items())
        ]
    unknown = columns == _FAILED
    columns[unknown] = 0
    return Votes(columns.view(np.uint8), unknown.view(np.uint8), errors)


def _vote(function: SlicingFunction, batch: Batch) -> tuple[Column, Failures]:
    failures: Failures = {}
    if function.batch:
        votes = _ask_batch(function.function, batch, failures)
    else:
        votes = _ask_rows(function.function, batch.rows, failures)
    return _column(votes, failures), failures


def _ask_rows(
    function: Callable[[Row], Any], rows: Sequence[Row], failures: Failures
) -> list[Any]:
    """Asks about row after row, with one `try` for all until one fails."""
    votes: list[Any] = []
    append = votes.append
    remaining = iter(rows)
    while len(votes) < len(rows):
        try:
            for row in remaining:
                append(function(row))
        except Exception as error:
            failures[len(votes)] = _failure(error)
            append(None)
    return votes


def _ask_batch(
    function: Callable[[Batch], Any],
    batch: Batch,
    failures: Failures,
    start: int = 0,
) -> list[Any]:
    """Asks about all rows at once, and about each half where that fails."""
    size = len(batch)
    try:
        answer = function(batch) if size else []
    except Exception as error:
        if size == 1:
            failures[start] = _failure(error)
            return [None]
        half = size // 2
        first, second = Batch(batch.rows[:half]), Batch(batch.rows[half:])
        return [
            *_ask_batch(function, first, failures, start),
            *_ask_batch(function, second, failures, start + half),
        ]
    if isinstance(answer, np.ndarray) and answer.shape == (size,):
        return list(answer.tolist())
    if isinstance(answer, (list, tuple)) and len(answer) == size:
        return list(answer)
    refused = _failure(_bad_answer(answer, size))
    failures.update((row, refused) for row in range(start, start + size))
    return [None] * size


def _column(votes: list[Any], failures: Failures) -> Column:
    """Returns votes as 0, 1 or `_FAILED`, and notes what is no vote."""
    if set(map(type, votes)) <= {bool}:
        # `bytes` reads a list of bools faster than NumPy does.
        return np.frombuffer(bytes(votes), np.int8)
    column = np.full(len(votes), _FAILED, np.int8)
    for row, vote in enumerate(votes):
        if _is_vote(vote):
            column[row] = vote
        elif row not in failures:
            failures[row] = _failure(_bad_vote(vote))
    return column


def _is_vote(vote: Any) -> bool:
    """Tells bools and the integers 0 and 1 from what merely looks true."""
    if isinstance(vote, (bool, np.bool_)):
        return True
    return isinstance(vote, (int, np.integer)) and vote in (0, 1)


def _failure(error: Exception) -> tuple[str, str]:
    return type(error).__name__, str(error)


def _bad_vote(vote: Any) -> Exception:
    return TypeError(
        "A slicing function must return 0 or 1, as a bool or an integer, "
        "because membership is never guessed. Received: "
        f"vote={reprlib.repr(vote)}, type={type(vote).__name__}"
    )


def _bad_answer(answer: Any, size: int) -> Exception:
    if isinstance(answer, np.ndarray):
        size_of_answer = f"shape={answer.shape}"
    else:
        size_of_answer = (
            f"length={len(answer)}"
            if hasattr(answer, "__len__")
            else "no length"
        )
    return TypeError(
        f"A batch function must return a list or an array of {size} votes, "
        f"one for each row. Received: type={type(answer).__name__}, "
        f"{size_of_answer}"
    )
