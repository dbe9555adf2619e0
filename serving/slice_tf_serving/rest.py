"""The HTTP front: a bare ASGI application."""

import logging
import time
from collections.abc import Awaitable, Callable

from google.protobuf import json_format

from slice_tf_serving import metrics
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.http_body import Deadlines, Message, Receive, read_body
from slice_tf_serving.inference import CLASSIFY, REGRESS
from slice_tf_serving.json_answers import (
    dumped,
    failure,
    results,
)
from slice_tf_serving.json_examples import parse_examples
from slice_tf_serving.rest_path import RestPath
from slice_tf_serving.security import UNAUTHENTICATED, is_allowed
from slice_tf_serving.servable import Servable
from slice_tf_serving.service import Service
from slice_tf_serving.versions import MAX_VERSION

logger = logging.getLogger("slice_tf.serving")

Send = Callable[[Message], Awaitable[None]]

_METRICS = metrics.PATH.encode()
_JSON = b"application/json"
_NOT_FOUND_PAGE = (
    b"<html><head><title>404 Not Found</title></head>"
    b"<body><h1>Not Found</h1></body></html>"
)


class _EmptyError(Exception):
    """A request that is answered with status 400 and no body."""


class RestApp:
    """Answers what TensorFlow Serving's REST API answers.

    Args:
        service: What answers.
        token: What callers must know; `None` lets anyone ask.
    """

    def __init__(self, service: Service, token: str | None = None) -> None:
        self._service = service
        self._token = token
        self._deadlines = Deadlines(service.limits.body_seconds)

    async def __call__(
        self, scope: Message, receive: Receive, send: Send
    ) -> None:
        """Answers one request."""
        path: bytes = scope["raw_path"]
        is_metrics = path == _METRICS and scope["method"] == "GET"
        if path[:4].lower() != b"/v1/" and not is_metrics:
            await _answer(send, 404, _NOT_FOUND_PAGE, b"text/html")
        elif not self._is_allowed(scope):
            error = ApiError(Code.UNAUTHENTICATED, UNAUTHENTICATED)
            await _answer(send, error.http_status, failure(error), _JSON)
        elif is_metrics:
            text = self._service.telemetry.text().encode()
            await _answer(send, 200, text, metrics.CONTENT_TYPE)
        else:
            await self._serve(path, scope, receive, send)

    def _is_allowed(self, scope: Message) -> bool:
        if self._token is None:
            return True
        sent = dict(scope["headers"]).get(b"authorization", b"")
        return is_allowed(self._token, sent)

    async def _serve(
        self, path: bytes, scope: Message, receive: Receive, send: Send
    ) -> None:
        began, code = time.perf_counter(), Code.OK
        method = scope["method"]
        asked = RestPath.of(method, path)
        try:
            body = await read_body(
                scope, receive, self._service.limits, self._deadlines
            )
            if asked is None:
                text = path.decode("latin-1")
                raise invalid(f"Malformed request: {method} {text}")
            if asked.version is not None and asked.version > MAX_VERSION:
                raise _EmptyError
            if method == "POST":
                answer = await self._post(body, asked)
            else:
                answer = self._get(asked)
            status = 200
        except ApiError as error:
            status, answer, code = error.http_status, failure(error), error.code
        except _EmptyError:
            status, answer, code = 400, b"", Code.INVALID_ARGUMENT
        except Exception:  # A bug; the caller is still to be answered.
            logger.exception("failed to answer %s", path)
            bug = ApiError(Code.INTERNAL, "The server failed; see its log.")
            status, answer, code = bug.http_status, failure(bug), bug.code
        if asked is not None and method == "POST":
            service = self._service
            known = asked.model in service.manager.configs
            service.telemetry.answered(
                asked.model if known else "",
                asked.api,
                "REST",
                code.name,
                began,
            )
        await _answer(send, status, answer, _JSON)

    async def _post(self, body: bytes, asked: RestPath) -> bytes:
        def find() -> Servable:
            return self._service.manager.find(
                asked.model, asked.version, asked.label
            )

        if asked.verb == "predict":
            return await self._service.predict_json(body, find)
        signature, message = parse_examples(body, self._service.limits.elements)
        method = CLASSIFY if asked.verb == "classify" else REGRESS
        result = await self._service.perform(find(), signature, method, message)
        return results(result)

    def _get(self, asked: RestPath) -> bytes:
        if not asked.model:
            raise invalid("Missing model name in request.")
        if asked.verb == "metadata":
            return self._metadata(asked)
        states = self._service.manager.states(asked.model, asked.version)
        statuses = [
            {
                "version": str(one),
                "state": state.state,
                "status": {
                    "error_code": "UNKNOWN" if state.error else "OK",
                    "error_message": state.error,
                },
            }
            for one, state in states
        ]
        return dumped({"model_version_status": statuses})

    def _metadata(self, asked: RestPath) -> bytes:
        servable = self._service.manager.find(
            asked.model, asked.version, asked.label
        )
        signatures = {
            key: json_format.MessageToDict(
                one,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for key, one in sorted(servable.engine.signature_defs.items())
        }
        spec = {
            "name": asked.model,
            "signature_name": "",
            "version": str(servable.version),
        }
        metadata = {"signature_def": {"signature_def": signatures}}
        return dumped({"model_spec": spec, "metadata": metadata})


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
    ]
    start = "http.response.start"
    await send({"type": start, "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
