"""What a caller is told when a request fails."""

from slice_tf_serving.codes import Code


class RequestError(ValueError):
    """The server refused a request that would fail again.

    Args:
        message: What happened.
        code: How it ended.
    """

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


class ServerError(OSError):
    """The server failed, or is no model server.

    Args:
        message: What happened.
        code: How it ended.
    """

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


_FAILURES = (
    Code.CANCELLED,
    Code.UNKNOWN,
    Code.ABORTED,
    Code.INTERNAL,
    Code.DATA_LOSS,
)


def failure(code: Code, url: str, text: str) -> Exception:
    """Returns the exception for an answer that is no success.

    Args:
        code: How the request ended.
        url: Whom it was sent to.
        text: What the server said.
    """
    if code is Code.UNAVAILABLE:
        return unreachable(url, text)
    if code is Code.DEADLINE_EXCEEDED:
        return too_late(url, text)
    received = f"Received: url={url}, code={code.name}, error={text}"
    if code in _FAILURES:
        return ServerError(f"The server failed. {received}", code)
    return RequestError(f"The server refused the request. {received}", code)


def unreachable(url: str, text: str) -> ConnectionError:
    """Returns the exception for a server that cannot be reached."""
    return ConnectionError(
        "A model server must be running at the URL and be reachable. "
        f"Received: url={url}, error={text}"
    )


def too_late(url: str, text: str) -> TimeoutError:
    """Returns the exception for an answer that did not come in time."""
    return TimeoutError(
        "The server must answer within the timeout. "
        f"Received: url={url}, error={text}. Pass a longer `timeout`, or send "
        "fewer examples."
    )
