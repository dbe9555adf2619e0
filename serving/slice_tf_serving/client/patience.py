"""How long a client goes on trying."""

import dataclasses
import random
import time

from slice_tf_serving.codes import Code

# A server answers NOT_FOUND for a model that it is still loading.
NOT_READY = (Code.UNAVAILABLE, Code.NOT_FOUND)
SECONDS_BETWEEN_TRIES = 0.2

_BACKOFF_SECONDS, _MOST_SECONDS = 0.1, 2.0
_LEAST_SECONDS = 0.001


@dataclasses.dataclass
class Patience:
    """The time and the tries that a call has.

    Args:
        seconds: How long it may take, all tries included.
        retries: How often it is repeated while the server is not available.
    """

    seconds: float
    retries: int

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.seconds
        self._attempt = 0

    @property
    def left(self) -> float:
        """Seconds that are left, above 0."""
        return max(self._deadline - time.monotonic(), _LEAST_SECONDS)

    def pause(self) -> float | None:
        """Returns seconds to wait before the next try; `None` for no more.

        Waits grow up to two seconds, and no two clients wait as long, so that
        a server that comes back is not run over.
        """
        longest = min(_BACKOFF_SECONDS * 2**self._attempt, _MOST_SECONDS)
        pause = random.uniform(0.5, 1) * longest
        if (
            self._attempt >= self.retries
            or time.monotonic() + pause >= self._deadline
        ):
            return None
        self._attempt += 1
        return pause


def check_patience(timeout: float, retries: int) -> None:
    """Refuses a time or a number of tries that makes no sense.

    Raises:
        ValueError: If the time is not positive or the number negative.
    """
    if not timeout > 0:
        raise ValueError(
            "`timeout` must be positive, because a call takes time. "
            f"Received: timeout={timeout}"
        )
    if retries < 0:
        raise ValueError(
            f"`retries` must not be negative. Received: retries={retries}"
        )
