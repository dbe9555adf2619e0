"""How a request can end, in the words of gRPC and HTTP."""

import enum


class Code(enum.Enum):
    """A status code: gRPC's number, and the HTTP status it is answered with.

    Source:
        TensorFlow Serving, `model_servers/http_server.cc`.
    """

    OK = (0, 200)
    CANCELLED = (1, 499)
    UNKNOWN = (2, 500)
    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    PERMISSION_DENIED = (7, 403)
    RESOURCE_EXHAUSTED = (8, 429)
    FAILED_PRECONDITION = (9, 400)
    ABORTED = (10, 409)
    OUT_OF_RANGE = (11, 400)
    UNIMPLEMENTED = (12, 501)
    INTERNAL = (13, 500)
    UNAVAILABLE = (14, 503)
    DATA_LOSS = (15, 500)
    UNAUTHENTICATED = (16, 401)

    @classmethod
    def of_number(cls, number: int) -> "Code":
        """Returns the code of a gRPC number; `UNKNOWN` for any other."""
        for code in cls:
            if code.number == number:
                return code
        return cls.UNKNOWN

    @property
    def number(self) -> int:
        """The number in gRPC and in TensorFlow's errors."""
        return self.value[0]

    @property
    def http_status(self) -> int:
        """The status of an HTTP answer."""
        return self.value[1]


class ApiError(Exception):
    """A request that is answered with an error.

    Args:
        code: How it ended.
        text: What the caller is told.
        http_status: The HTTP status, where it is not the code's own.
    """

    def __init__(
        self, code: Code, text: str, http_status: int | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.http_status = http_status or code.http_status


def invalid(text: str) -> ApiError:
    """Returns the error of a request that can never succeed."""
    return ApiError(Code.INVALID_ARGUMENT, text)
