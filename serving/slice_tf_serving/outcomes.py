"""How whoever asked is told of an answer, now or later."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# Takes an answer, or the exception that stands in its place; called once.
Done = Callable[[Any], None]


def tell_of(coming: Coroutine[Any, Any, Any], done: Done) -> None:
    """Tells of what a coroutine returns or raises; not if it is cancelled."""

    def tell(task: "asyncio.Task[Any]") -> None:
        if not task.cancelled():
            done(task.exception() or task.result())

    asyncio.get_running_loop().create_task(coming).add_done_callback(tell)


def set_future(future: "asyncio.Future[Any]", outcome: Any) -> None:
    """Ends a future, unless its caller has hung up."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
