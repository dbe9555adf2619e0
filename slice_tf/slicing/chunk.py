"""A few examples at once, and what preprocessors made of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.slicing.asking import Failures, ask_batch, ask_rows
from slice_tf.slicing.batch import Batch
from slice_tf.slicing.given import Given
from slice_tf.slicing.resource import Resource
from slice_tf.slicing.uses import Preprocessing, Uses


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """What a function says of each row.

    Args:
        values: A list or an array, one a row; where a row failed, None or
            zeros.
        failures: Why rows failed.
    """

    values: Any
    failures: Failures


class Chunk:
    """Rows, and what preprocessors made of them, each asked once.

    It bounds what preprocessors keep in memory: they live as long as it.

    Args:
        batch: The rows.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._made: dict[int, Answers] = {}
        self._given: dict[tuple[Any, ...], tuple[Given, Failures]] = {}

    def ask(self, asked: Any) -> Answers:
        """Returns what a slicing function or a preprocessor says of all rows.

        Rows where something fails that it uses are not asked about: they fail
        for the same reason.

        Raises:
            ResourceError: If a resource that it uses is not there.
        """
        size = len(self.batch)
        if not size:
            return Answers([], {})
        given, spoiled = self._given_to(asked.uses)
        if not spoiled:
            return self._ask(asked, self.batch, given)
        whole = [row for row in range(size) if row not in spoiled]
        answers = self._ask(asked, self.batch.take(whole), given.take(whole))
        failures = {whole[row]: why for row, why in answers.failures.items()}
        return Answers(
            _spread(answers.values, whole, size), {**spoiled, **failures}
        )

    def give(self, uses: Uses) -> Given:
        """Returns what a function uses, for all rows.

        Raises:
            RuntimeError: If a preprocessor fails on a row.
            ResourceError: If a resource is not there.
        """
        given, spoiled = self._given_to(uses)
        for exception, message in spoiled.values():
            raise RuntimeError(f"{exception} in {message}")
        return given

    def _ask(self, asked: Any, batch: Batch, given: Given) -> Answers:
        failures: Failures = {}
        if not len(batch):
            return Answers([], failures)
        if asked.batch:
            values = ask_batch(asked.function, batch, given, failures)
        else:
            values = ask_rows(asked.function, batch.rows, given, failures)
        return Answers(values, failures)

    def _given_to(self, uses: Uses) -> tuple[Given, Failures]:
        """Returns what a function uses, and the rows where that fails."""
        key = tuple((name, id(one)) for name, one in uses.items())
        if key not in self._given:
            self._given[key] = self._prepare(uses)
        return self._given[key]

    def _prepare(self, uses: Uses) -> tuple[Given, Failures]:
        resources, values = {}, {}
        spoiled: Failures = {}
        for name, one in uses.items():
            if isinstance(one, Resource):
                resources[name] = one.get()
            else:
                made = self._make(one)
                values[name] = made.values
                spoiled = {**made.failures, **spoiled}
        return Given(resources, values), spoiled

    def _make(self, one: Preprocessing) -> Answers:
        if id(one) not in self._made:
            made = self.ask(one)
            self._made[id(one)] = Answers(
                made.values,
                {
                    row: (exception, _blamed(one.name, message))
                    for row, (exception, message) in made.failures.items()
                },
            )
        return self._made[id(one)]


def _blamed(name: str, message: str) -> str:
    """Returns a message that names the preprocessor where the trouble began."""
    told = message.startswith("preprocessor ")
    return message if told else f"preprocessor {name}: {message}"


def _spread(values: Any, rows: Sequence[int], size: int) -> Any:
    """Returns answers at the positions of their rows."""
    if isinstance(values, np.ndarray):
        array = np.zeros((size, *values.shape[1:]), values.dtype)
        array[rows] = values
        return array
    spread: list[Any] = [None] * size
    for row, value in zip(rows, values, strict=True):
        spread[row] = value
    return spread
