"""How large a request may be."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds that are checked before memory is taken.

    TensorFlow Serving has none, so that one short request can fill its
    memory.

    Args:
        request_bytes: Of an HTTP body, before and after it is unpacked, and
            of a gRPC message.
        elements: Of one tensor, unless its bytes are in the message as they
            are; and of the values in an HTTP body.
        body_seconds: Time that the head of an HTTP request may take to come,
            and then its body.
        waiting: Requests for one version that may wait for it.

    Raises:
        ValueError: If a bound is not positive.
    """

    request_bytes: int = 64 << 20
    elements: int = 8 << 20
    body_seconds: float = 30.0
    waiting: int = 1000

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not value > 0:
                raise ValueError(
                    f"`{name}` must be positive, because a request has a "
                    f"size. Received: {name}={value}"
                )
