"""Runs requests that wait at the same time as one batch."""

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from slice_tf_serving.arrivals import Arrivals
from slice_tf_serving.batch_forms import ARRAYS, JSON_ROWS, BatchForm
from slice_tf_serving.codes import ApiError, Code
from slice_tf_serving.dtypes import Array
from slice_tf_serving.engine import Engine
from slice_tf_serving.json_forms.requests import JsonRequest
from slice_tf_serving.json_forms.values import is_fast
from slice_tf_serving.outcomes import Done, set_future
from slice_tf_serving.specs import SignatureSpec

logger = logging.getLogger("slice_tf.serving")

MAX_ROWS = 256  # in a batch that is made of several requests
# Turns of the event loop that pass before a call. A request over gRPC is
# heard of some turns before it is here; then more are worth a wait.
_TURNS, _TURNS_AFTER_ARRIVAL = 2, 10

Outputs = dict[str, Array]


@dataclasses.dataclass(slots=True)
class _Waiting:
    """A request that waits for its batch."""

    request: Any
    rows: int
    done: Done


@dataclasses.dataclass(slots=True)
class _Group:
    """Requests that may share a call."""

    form: BatchForm
    name: str
    outputs: Sequence[str]
    waiting: list[_Waiting] = dataclasses.field(default_factory=list)


class Batcher:
    """Makes one call of all requests that arrive together.

    A call is made as soon as some turns of the event loop bring no further
    request, so that a single caller waits for microseconds, and many callers
    share a call. Only requests for one signature, with rows of equal shape,
    are put together, and only where every output has a row an example. A
    request that makes a batch fail fails alone.

    Args:
        engine: The version that runs them.
        max_waiting: Number of requests that may wait; further ones are
            refused.
        arrivals: Told of requests that are on their way here.
    """

    def __init__(
        self,
        engine: Engine,
        max_waiting: int,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._engine = engine
        self._arrivals = arrivals or Arrivals()
        self._seen = 0
        self._max_waiting = max_waiting
        self._groups: dict[Any, _Group] = {}
        self._num_waiting = 0
        self._batchable = {
            name: _is_batchable(spec)
            for name, spec in engine.signatures.items()
        }
        self._mixable = {
            name: self._batchable[name] and is_fast(spec)
            for name, spec in engine.signatures.items()
        }

    async def run(
        self,
        name: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] = (),
    ) -> Outputs:
        """Calls a signature; arguments and errors are those of `Engine.run`.

        Raises:
            ApiError: If the request is refused, or too many wait.
        """
        self._engine.check(name, inputs, outputs)
        rows = _rows(inputs) if self._batchable[name] else None
        if rows is None:
            return self._engine.run_checked(name, inputs, outputs)
        shapes = tuple([array.shape[1:] for array in inputs.values()])
        key = name, tuple(outputs), tuple(inputs), shapes
        group = self._group(key, ARRAYS, name, outputs)
        answer: asyncio.Future[Outputs]
        answer = asyncio.get_running_loop().create_future()
        done = functools.partial(set_future, answer)
        self._wait(group, inputs, rows, done)
        return await answer

    def run_json(self, name: str, request: JsonRequest, done: Done) -> None:
        """Answers a request in row form that `may_mix` has let through.

        No future is made of it, which would take as long as all else that is
        done for a request here.

        Raises:
            ApiError: If the request is refused, or too many wait.
        """
        key = name, request.outline
        group = self._group(key, JSON_ROWS, name, ())
        self._wait(group, request, request.num_rows, done)

    def may_mix(self, name: str, request: JsonRequest) -> bool:
        """Tells whether a request may be read along with others."""
        return (
            self._mixable[name]
            and bool(request.columns)
            and not request.reader.may_hold_booleans
        )

    def _group(
        self, key: Any, form: BatchForm, name: str, outputs: Sequence[str]
    ) -> _Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(form, name, outputs)
        return group

    def _wait(self, group: _Group, request: Any, rows: int, done: Done) -> None:
        if self._num_waiting >= self._max_waiting:
            raise ApiError(
                Code.RESOURCE_EXHAUSTED,
                "The batch scheduling queue to which this request was "
                f"submitted is full, task size {rows}, queue capacity "
                f"{self._max_waiting}",
            )
        if not self._num_waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._settle, loop, self._seen, 1, _TURNS)
        self._num_waiting += 1
        group.waiting.append(_Waiting(request, rows, done))

    async def drain(self) -> None:
        """Returns when nothing waits any more."""
        while self._num_waiting:
            await asyncio.sleep(0)

    def _settle(
        self,
        loop: asyncio.AbstractEventLoop,
        seen: int,
        waited: int,
        turns: int,
    ) -> None:
        """Makes the call after some turns that have brought nothing more."""
        count, waiting = self._arrivals.count, self._num_waiting
        if count != seen:
            turns = _TURNS_AFTER_ARRIVAL
        elif waiting != waited:
            turns = max(turns - 1, _TURNS)
        else:
            turns -= 1
        if turns and waiting < MAX_ROWS:
            loop.call_soon(self._settle, loop, count, waiting, turns)
        else:
            self._seen = count
            self._flush()

    def _flush(self) -> None:
        groups, self._groups, self._num_waiting = self._groups, {}, 0
        for group in groups.values():
            for batch in _batches(group.waiting):
                self._answer(group, batch)

    def _answer(self, group: _Group, batch: Sequence[_Waiting]) -> None:
        try:
            answers = self._run(group, batch)
        except Exception as error:
            if len(batch) == 1:
                _tell(batch[0], error)
                return
            for one in batch:
                self._answer(group, [one])
            return
        for one, answer in zip(batch, answers, strict=True):
            _tell(one, answer)

    def _run(self, group: _Group, batch: Sequence[_Waiting]) -> list[Any]:
        inputs = group.form.join([one.request for one in batch])
        outputs = self._engine.run_checked(group.name, inputs, group.outputs)
        sizes = [one.rows for one in batch]
        if len(sizes) > 1:
            total = sum(sizes)
            if any(len(array) != total for array in outputs.values()):
                raise ValueError("An output has not a row an example.")
        return group.form.split(outputs, sizes)


def _is_batchable(spec: SignatureSpec) -> bool:
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    return bool(spec.inputs) and all(
        one.shape and one.shape[0] is None for one in tensors
    )


def _rows(inputs: Mapping[str, Array]) -> int | None:
    """Returns the number of rows, where inputs agree on one."""
    size = None
    for array in inputs.values():
        if not array.ndim or size not in (None, len(array)):
            return None
        size = len(array)
    return size


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


def _tell(one: _Waiting, outcome: Any) -> None:
    try:
        one.done(outcome)
    except Exception:  # The others are still to be answered.
        logger.exception("failed to give an answer")
