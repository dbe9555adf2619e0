"""Slicing functions over rows in memory."""

import dataclasses
import reprlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.slicing.asking import bad_answer, failure_of
from slice_tf.slicing.batch import Batch
from slice_tf.slicing.chunk import Answers, Chunk
from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.row import Row

# Stands in a column where a function failed; a vote is 0 or 1.
_FAILED = -1
Column = npt.NDArray[np.int8]


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
        seconds: How long each function took over all rows, of shape
            `[slices]`; a preprocessor counts for the first that uses it. None
            where nobody measured.
    """

    membership: npt.NDArray[np.uint8]
    unknown: npt.NDArray[np.uint8]
    errors: list[VoteError]
    seconds: npt.NDArray[np.float64] | None = None


def apply_functions(
    functions: Sequence[SlicingFunction], rows: Sequence[Row]
) -> Votes:
    """Asks every function about every row.

    A function that raises, or returns anything but 0 or 1 as a bool or an
    integer, leaves that row unknown and spoils no other. A batch function
    that raises is asked again about each half, down to the rows that fail;
    an answer of a wrong length leaves all rows unknown. So does what a
    preprocessor raises, for the functions that use it.

    Args:
        functions: The slicing functions; column i of the votes is function i.
        rows: The rows. What preprocessors make of them is kept until all
            functions were asked.

    Raises:
        ResourceError: If a resource that a function uses is not there.
    """
    return apply_to_batch(functions, Batch(rows))


def apply_to_batch(functions: Sequence[SlicingFunction], batch: Batch) -> Votes:
    """Asks every function about every row of a batch, as `apply_functions`.

    Args:
        functions: The slicing functions; column i of the votes is function i.
        batch: The rows.

    Raises:
        ResourceError: If a resource that a function uses is not there.
    """
    columns = np.zeros((len(batch), len(functions)), np.int8)
    seconds = np.zeros(len(functions))
    errors: list[VoteError] = []
    chunk = Chunk(batch)
    for index, function in enumerate(functions):
        start = time.perf_counter()
        answers = chunk.ask(function)
        seconds[index] = time.perf_counter() - start
        columns[:, index] = _column(answers, len(batch))
        errors += [
            VoteError(row, function.name, *failure)
            for row, failure in sorted(answers.failures.items())
        ]
    unknown = columns == _FAILED
    columns[unknown] = 0
    return Votes(
        columns.view(np.uint8), unknown.view(np.uint8), errors, seconds
    )


def _column(answers: Answers, size: int) -> Column:
    """Returns votes as 0, 1 or `_FAILED`, and notes what is no vote."""
    votes, failures = answers.values, answers.failures
    if isinstance(votes, np.ndarray):
        if votes.ndim != 1:
            refused = "TypeError", bad_answer(votes, size)
            failures.update(dict.fromkeys(range(size), refused))
        votes = votes.tolist()
    if not failures and set(map(type, votes)) <= {bool}:
        # `bytes` reads a list of bools faster than NumPy does.
        return np.frombuffer(bytes(votes), np.int8)
    column = np.full(size, _FAILED, np.int8)
    for row, vote in enumerate(votes):
        if row in failures:
            continue
        if _is_vote(vote):
            column[row] = vote
        else:
            failures[row] = failure_of(_bad_vote(vote))
    return column


def _is_vote(vote: Any) -> bool:
    """Tells bools and the integers 0 and 1 from what merely looks true."""
    if isinstance(vote, (bool, np.bool_)):
        return True
    return isinstance(vote, (int, np.integer)) and vote in (0, 1)


def _bad_vote(vote: Any) -> Exception:
    return TypeError(
        "A slicing function must return 0 or 1, as a bool or an integer, "
        "because membership is never guessed. Received: "
        f"vote={reprlib.repr(vote)}, type={type(vote).__name__}"
    )
