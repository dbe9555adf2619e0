"""The HTTP front: a bare ASGI application."""

import logging
import re
import time
import urllib.parse
from collections.abc import Awaitable, Callable

from google.protobuf import json_format

from slice_tf_serving import metrics
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.http_body import Deadlines, Message, Receive, read_body
from slice_tf_serving.inference import CLASSIFY, REGRESS
from slice_tf_serving.json_answers import (
    dumped,
    failure,
    predictions,
    results,
)
from slice_tf_serving.json_examples import parse_examples
from slice_tf_serving.security import UNAUTHENTICATED, is_allowed
from slice_tf_serving.service import Find, Service
from slice_tf_serving.versions import MAX_VERSION

logger = logging.getLogger("slice_tf.serving")

Send = Callable[[Message], Awaitable[None]]

_WHERE = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
# The path is matched whatever its case, but the verb is not.
_POST = re.compile(rf"(?i:{_WHERE}):(classify|regress|predict)")
_GET = re.compile(
    r"(?i)/v1/models(?:/([^/:]+))?"
    r"(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata)?"
)
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
        path = scope["raw_path"].decode("latin-1")
        is_metrics = path == metrics.PATH and scope["method"] == "GET"
        if not path.lower().startswith("/v1/") and not is_metrics:
            await _answer(send, 404, _NOT_FOUND_PAGE, b"text/html")
            return
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if not is_allowed(self._token, sent):
            error = ApiError(Code.UNAUTHENTICATED, UNAUTHENTICATED)
            await _answer(send, error.http_status, failure(error), _JSON)
        elif is_metrics:
            text = self._service.telemetry.text().encode()
            await _answer(send, 200, text, metrics.CONTENT_TYPE)
        else:
            await self._serve(path, scope, receive, send)

    async def _serve(
        self, path: str, scope: Message, receive: Receive, send: Send
    ) -> None:
        began, code = time.perf_counter(), Code.OK
        method = scope["method"]
        post = _POST.fullmatch(path) if method == "POST" else None
        try:
            body = await read_body(
                scope, receive, self._service.limits, self._deadlines
            )
            if post is not None:
                answer = await self._post(body, *post.groups())
            else:
                answer = self._get(method, path)
            status = 200
        except ApiError as error:
            status, answer, code = error.http_status, failure(error), error.code
        except _EmptyError:
            status, answer, code = 400, b"", Code.INVALID_ARGUMENT
        except Exception:  # A bug; the caller is still to be answered.
            logger.exception("failed to answer %s", path)
            bug = ApiError(Code.INTERNAL, "The server failed; see its log.")
            status, answer, code = bug.http_status, failure(bug), bug.code
        if post is not None:
            self._tell(post[1], post[4], code, began)
        await _answer(send, status, answer, _JSON)

    def _tell(self, model: str, verb: str, code: Code, began: float) -> None:
        name = _unquoted(model)
        service = self._service
        if name not in service.manager.configs:
            name = ""
        api = verb.capitalize()
        service.telemetry.answered(name, api, "REST", code.name, began)

    async def _post(
        self,
        body: bytes,
        model: str,
        version: str | None,
        label: str | None,
        verb: str,
    ) -> bytes:
        find = self._finder(model, version, label)
        if verb == "predict":
            request, outputs = await self._service.predict_json(body, find)
            return predictions(outputs, request.is_row)
        return await self._perform(body, find, verb)

    def _finder(
        self, model: str, version: str | None, label: str | None
    ) -> Find:
        name, number = _unquoted(model), _number(version)
        return lambda: self._service.manager.find(
            name, number, _unquoted(label)
        )

    async def _perform(self, body: bytes, find: Find, verb: str) -> bytes:
        signature, message = parse_examples(body, self._service.limits.elements)
        method = CLASSIFY if verb == "classify" else REGRESS
        result = await self._service.perform(find(), signature, method, message)
        return results(result)

    def _get(self, method: str, path: str) -> bytes:
        get = _GET.fullmatch(path) if method == "GET" else None
        if get is None:
            raise invalid(f"Malformed request: {method} {path}")
        return self._told(*get.groups())

    def _told(
        self,
        model: str | None,
        version: str | None,
        label: str | None,
        metadata: str | None,
    ) -> bytes:
        number = _number(version)
        if not model:
            raise invalid("Missing model name in request.")
        name = _unquoted(model)
        if metadata:
            return self._metadata(name, number, _unquoted(label))
        statuses = [
            {
                "version": str(one),
                "state": state.state,
                "status": {
                    "error_code": "UNKNOWN" if state.error else "OK",
                    "error_message": state.error,
                },
            }
            for one, state in self._service.manager.states(name, number)
        ]
        return dumped({"model_version_status": statuses})

    def _metadata(self, name: str, version: int | None, label: str) -> bytes:
        servable = self._service.manager.find(name, version, label)
        signatures = {
            key: json_format.MessageToDict(
                one,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for key, one in sorted(servable.engine.signature_defs.items())
        }
        spec = {
            "name": name,
            "signature_name": "",
            "version": str(servable.version),
        }
        metadata = {"signature_def": {"signature_def": signatures}}
        return dumped({"model_spec": spec, "metadata": metadata})


def _number(version: str | None) -> int | None:
    if version is None:
        return None
    number = int(version) if len(version) < 30 else MAX_VERSION + 1
    if number > MAX_VERSION:
        raise _EmptyError
    return number


def _unquoted(text: str | None) -> str:
    return urllib.parse.unquote(text or "")


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
