"""Runs requests that wait at the same time as one batch."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.dtypes import Array
from slice_tf_serving.engine import Engine
from slice_tf_serving.specs import SignatureSpec

MAX_ROWS = 256  # in a batch that is made of several requests

Outputs = dict[str, Array]


@dataclasses.dataclass(frozen=True)
class _Waiting:
    """A request that waits for its batch."""

    inputs: Mapping[str, Array]
    rows: int
    answer: "asyncio.Future[Outputs]"


class Batcher:
    """Makes one call of all requests that arrived since the last call.

    It never waits for more to come, so a single caller loses nothing, and
    many callers share a call. Only requests for one signature, with rows of
    equal shape, are put together, and only where every output has a row an
    example. A request that makes a batch fail fails alone.

    Args:
        engine: The version that runs them.
        max_waiting: Number of requests that may wait; further ones are
            refused.
    """

    def __init__(self, engine: Engine, max_waiting: int) -> None:
        self._engine = engine
        self._max_waiting = max_waiting
        self._groups: dict[Any, list[_Waiting]] = {}
        self._num_waiting = 0
        self._batchable = {
            name: _is_batchable(spec)
            for name, spec in engine.signatures.items()
        }

    async def run(
        self, name: str, inputs: Mapping[str, Array], outputs: Sequence[str]
    ) -> Outputs:
        """Calls a signature; arguments and errors are those of `Engine.run`.

        Raises:
            ApiError: If the request is refused, or too many wait.
        """
        self._engine.check(name, inputs, outputs)
        rows = _rows(inputs) if self._batchable[name] else None
        if rows is None:
            return self._engine.run_checked(name, inputs, outputs)
        if self._num_waiting >= self._max_waiting:
            raise ApiError(
                Code.RESOURCE_EXHAUSTED,
                "The batch scheduling queue to which this request was "
                f"submitted is full, task size {rows}, queue capacity "
                f"{self._max_waiting}",
            )
        loop = asyncio.get_running_loop()
        if not self._num_waiting:
            loop.call_soon(self._flush)
        waiting = _Waiting(inputs, rows, loop.create_future())
        shapes = tuple(array.shape[1:] for array in inputs.values())
        key = (name, tuple(outputs), tuple(inputs), shapes)
        self._groups.setdefault(key, []).append(waiting)
        self._num_waiting += 1
        return await waiting.answer

    async def drain(self) -> None:
        """Returns when nothing waits any more."""
        while self._num_waiting:
            await asyncio.sleep(0)

    def _flush(self) -> None:
        groups, self._groups, self._num_waiting = self._groups, {}, 0
        for (name, outputs, _, _), group in groups.items():
            for batch in _batches(group):
                self._answer(name, outputs, batch)

    def _answer(
        self, name: str, outputs: Sequence[str], batch: Sequence[_Waiting]
    ) -> None:
        try:
            answers = self._run(name, outputs, batch)
        except Exception as error:
            if len(batch) == 1:
                _set(batch[0].answer, error)
                return
            for one in batch:
                self._answer(name, outputs, [one])
            return
        for one, answer in zip(batch, answers, strict=True):
            _set(one.answer, answer)

    def _run(
        self, name: str, outputs: Sequence[str], batch: Sequence[_Waiting]
    ) -> list[Outputs]:
        if len(batch) == 1:
            return [self._engine.run_checked(name, batch[0].inputs, outputs)]
        inputs = {
            key: np.concatenate([one.inputs[key] for one in batch])
            for key in batch[0].inputs
        }
        ends = np.cumsum([one.rows for one in batch])
        together = self._engine.run_checked(name, inputs, outputs)
        if any(len(array) != ends[-1] for array in together.values()):
            raise ValueError("An output has not a row an example.")
        return [
            {
                key: array[end - one.rows : end]
                for key, array in together.items()
            }
            for one, end in zip(batch, ends, strict=True)
        ]


def _is_batchable(spec: SignatureSpec) -> bool:
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    return bool(spec.inputs) and all(
        one.shape and one.shape[0] is None for one in tensors
    )


def _rows(inputs: Mapping[str, Array]) -> int | None:
    """Returns the number of rows, where inputs agree on one."""
    sizes = {array.shape[:1] for array in inputs.values()}
    if len(sizes) != 1 or sizes == {()}:
        return None
    return int(next(iter(sizes))[0])


def _batches(group: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """Splits requests into batches of at most `MAX_ROWS`, in order."""
    batches: list[list[_Waiting]] = []
    rows = 0
    for one in group:
        rows += one.rows
        if not batches or rows > MAX_ROWS:
            batches.append([])
            rows = one.rows
        batches[-1].append(one)
    return batches


def _set(
    answer: "asyncio.Future[Outputs]", result: Outputs | Exception
) -> None:
    if answer.done():  # The caller has hung up.
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
