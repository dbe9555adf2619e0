"""gRPC's health service, by which balancers find out who can be asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from slice_tf.messages import make_messages

SERVING, NOT_SERVING = 1, 2

_PACKAGE = "grpc.health.v1"
_PREDICTION = "tensorflow.serving.PredictionService"
_MODEL = "tensorflow.serving.ModelService"
# The short names are those of TensorFlow Serving.
_SERVICES = ("", "PredictionService", "ModelService", _PREDICTION, _MODEL)
_WATCH_SECONDS = 0.2

_MESSAGES = make_messages(
    _PACKAGE,
    {
        "HealthCheckRequest": {"service": (1, "string")},
        "HealthCheckResponse": {"status": (1, "int32")},
    },
)
HealthCheckRequest = _MESSAGES["HealthCheckRequest"]
HealthCheckResponse = _MESSAGES["HealthCheckResponse"]


class HealthServicer:
    """Tells whether every model can be asked.

    Args:
        is_serving: Tells it.
    """

    def __init__(self, is_serving: Callable[[], bool]) -> None:
        self._is_serving = is_serving

    async def check(self, request: Any, context: Any) -> Any:
        """Answers once."""
        if request.service not in _SERVICES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return self._answer()

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Answers now and whenever the answer changes."""
        last = None
        while True:
            answer = self._answer()
            if answer != last:
                yield answer
            last = answer
            await asyncio.sleep(_WATCH_SECONDS)

    def _answer(self) -> Any:
        status = SERVING if self._is_serving() else NOT_SERVING
        return HealthCheckResponse(status=status)


def add_health(server: Any, is_serving: Callable[[], bool]) -> None:
    """Registers the health service with a `grpc.aio` server."""
    servicer = HealthServicer(is_serving)
    codec = {
        "request_deserializer": HealthCheckRequest.FromString,
        "response_serializer": HealthCheckResponse.SerializeToString,
    }
    handlers = {
        "Check": grpc.unary_unary_rpc_method_handler(servicer.check, **codec),
        "Watch": grpc.unary_stream_rpc_method_handler(servicer.watch, **codec),
    }
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(f"{_PACKAGE}.Health", handlers)]
    )
