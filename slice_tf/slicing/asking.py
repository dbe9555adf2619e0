"""Asks a function about examples, and survives what it raises."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.batch import Batch
from slice_tf.slicing.given import Given
from slice_tf.slicing.resource_error import ResourceError

# Row: class and text of the exception. Exceptions themselves would keep the
# frames, and so the rows, alive.
Failures = dict[int, tuple[str, str]]
Function = Callable[..., Any]


def failure_of(error: Exception) -> tuple[str, str]:
    """Returns class and text of an exception."""
    return type(error).__name__, str(error)


def ask_rows(
    function: Function, rows: Sequence[Any], given: Given, failures: Failures
) -> list[Any]:
    """Asks about row after row, with one `try` for all until one fails.

    Args:
        function: Takes a row and what is given.
        rows: The rows.
        given: What the function uses.
        failures: Gets an entry for each row that fails, whose answer is None.
    """
    ask, asked = function, rows
    if given:
        ask = _ask_with(function)
        asked = zip(rows, given.by_row, strict=False)  # type: ignore[assignment]
    answers: list[Any] = []
    append = answers.append
    remaining = iter(asked)
    while len(answers) < len(rows):
        try:
            for row in remaining:
                append(ask(row))
        except ResourceError:
            raise
        except Exception as error:
            failures[len(answers)] = failure_of(error)
            append(None)
    return answers


def _ask_with(function: Function) -> Function:
    return lambda pair: function(pair[0], **pair[1])


def ask_batch(
    function: Function,
    batch: Batch,
    given: Given,
    failures: Failures,
    start: int = 0,
) -> Any:
    """Asks about all rows at once, and about each half where that fails.

    Args:
        function: Takes a batch and what is given.
        batch: The rows.
        given: What the function uses.
        failures: Gets an entry for each row that fails alone, and for each
            row of an answer of a wrong length. Their answers are None.
        start: Position of the first row among those of `failures`.

    Returns:
        A list or an array of one answer a row.
    """
    size = len(batch)
    try:
        answer = _checked(function(batch, **given.at_once), size)
    except ResourceError:
        raise
    except _BadAnswerError as error:
        refused = "TypeError", str(error)
        failures.update((row, refused) for row in range(start, start + size))
        return [None] * size
    except Exception as error:
        if size == 1:
            failures[start] = failure_of(error)
            return [None]
        half = size // 2
        return _joined(
            ask_batch(
                function,
                batch.part(first, last),
                given.part(first, last),
                failures,
                start + first,
            )
            for first, last in ((0, half), (half, size))
        )
    return answer


class _BadAnswerError(Exception):
    """A batch function returned something else than one answer a row."""


def _checked(answer: Any, size: int) -> Any:
    if isinstance(answer, np.ndarray) and answer.shape[:1] == (size,):
        return answer
    if hasattr(answer, "__next__"):
        answer = list(answer)
    if isinstance(answer, (list, tuple)) and len(answer) == size:
        return answer
    raise _BadAnswerError(bad_answer(answer, size))


def bad_answer(answer: Any, size: int) -> str:
    """Returns what to say of a batch answer of a wrong shape."""
    if isinstance(answer, np.ndarray):
        received = f"shape={answer.shape}"
    else:
        sized = hasattr(answer, "__len__")
        received = f"length={len(answer)}" if sized else "no length"
    return (
        f"A batch function must return a list or an array of {size} answers, "
        f"one for each row. Received: type={type(answer).__name__}, {received}"
    )


def _joined(halves: Any) -> Any:
    first, second = halves
    arrays = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    if arrays and first.shape[1:] == second.shape[1:]:
        return np.concatenate([first, second])
    return [*first, *second]
