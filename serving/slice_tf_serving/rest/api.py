"""The REST API of TensorFlow Serving."""

import functools
import logging
import re
import time
from typing import Any

from google.protobuf import json_format

from slice_tf_serving import metrics
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.inference import CLASSIFY, REGRESS
from slice_tf_serving.json_forms.answers import dumped, results
from slice_tf_serving.json_forms.examples import parse_examples
from slice_tf_serving.outcomes import Done, tell_of
from slice_tf_serving.rest.connection import HttpConnection
from slice_tf_serving.rest.messages import HttpAnswer, HttpRequest, refusal
from slice_tf_serving.rest.path import RestPath
from slice_tf_serving.security import UNAUTHENTICATED, is_allowed
from slice_tf_serving.servable import Servable
from slice_tf_serving.service import Service
from slice_tf_serving.versions import MAX_VERSION

logger = logging.getLogger("slice_tf.serving")

_ORIGIN = re.compile(rb"https?://")
_OK = Code.OK.name
_METRICS = metrics.PATH.encode()
_NOT_FOUND_PAGE = HttpAnswer(
    404,
    b"<html><head><title>404 Not Found</title></head>"
    b"<body><h1>Not Found</h1></body></html>",
    "text/html",
)


class RestApp:
    """Answers what TensorFlow Serving's REST API answers.

    Args:
        service: What answers.
        token: What callers must know; `None` lets anyone ask.
    """

    def __init__(self, service: Service, token: str | None = None) -> None:
        self._service = service
        self._token = token

    def admit(self, request: HttpRequest) -> None:
        """Refuses a caller who does not know the token.

        Raises:
            ApiError: If so.
        """
        if self._token is None:
            return
        if not is_allowed(
            self._token, request.headers.get(b"authorization", b"")
        ):
            raise ApiError(Code.UNAUTHENTICATED, UNAUTHENTICATED)

    def answer(self, request: HttpRequest, connection: HttpConnection) -> None:
        """Answers one request."""
        asked = RestPath.of(request.method, request.path)
        if asked is None or request.method != "POST":
            connection.reply(self._at_once(request, asked))
            return
        began = time.perf_counter()
        done = functools.partial(self._end, connection, asked, began)
        try:
            self._begin(request, asked, done)
        except Exception as error:
            done(error)

    def _at_once(
        self, request: HttpRequest, asked: RestPath | None
    ) -> HttpAnswer:
        """Answers whatever does not run a model."""
        method, path = request.method, request.path
        if method == "GET" and path.partition(b"?")[0] == _METRICS:
            text = self._service.telemetry.text().encode()
            return HttpAnswer(200, text, metrics.CONTENT_TYPE)
        if path[:4].lower() != b"/v1/":
            return _NOT_FOUND_PAGE
        if method == "OPTIONS":
            origin = _ORIGIN.search(request.headers.get(b"origin", b""))
            return HttpAnswer(400 if origin is None else 200, b"")
        try:
            if asked is None:
                shown = path.decode("latin-1")
                raise invalid(f"Malformed request: {method} {shown}")
            return HttpAnswer(200, self._get(asked))
        except Exception as error:
            return _failure(error, path)[0]

    def _begin(self, request: HttpRequest, asked: RestPath, done: Done) -> None:
        """Starts what the model has to do."""
        _check_version(asked)
        limits = self._service.limits
        body = request.content(limits.request_bytes)

        def find() -> Servable:
            return self._service.manager.find(
                asked.model, asked.version, asked.label
            )

        if asked.verb == "predict":
            self._service.predict_json(body, find, done)
            return
        signature, message = parse_examples(body, limits.elements)
        method = CLASSIFY if asked.verb == "classify" else REGRESS
        tell_of(self._performed(find(), signature, method, message), done)

    async def _performed(
        self, servable: Servable, signature: str, method: str, message: Any
    ) -> bytes:
        service = self._service
        return results(
            await service.perform(servable, signature, method, message)
        )

    def _end(
        self,
        connection: HttpConnection,
        asked: RestPath,
        began: float,
        outcome: Any,
    ) -> None:
        """Gives the answer to the caller, and tells of it."""
        if isinstance(outcome, Exception):
            answer, status = _failure(outcome, asked)
        else:
            answer, status = HttpAnswer(200, outcome), _OK
        known = asked.model in self._service.manager.configs
        model = asked.model if known else ""
        self._service.telemetry.answered(
            model, asked.api, "REST", status, began
        )
        connection.reply(answer)

    def _get(self, asked: RestPath) -> bytes:
        _check_version(asked)
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
        servable = self._service.manager.find_agreed(
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


def _check_version(asked: RestPath) -> None:
    if asked.version is not None and asked.version > MAX_VERSION:
        raise invalid("")  # TensorFlow Serving gives no body then.


def _failure(error: Exception, asked: object) -> tuple[HttpAnswer, str]:
    if isinstance(error, ApiError):
        answer = refusal(error) if error.text else HttpAnswer(400, b"")
        return answer, error.code.name
    # A bug; the caller is still to be answered.
    logger.error("failed to answer %s", asked, exc_info=error)
    bug = ApiError(Code.INTERNAL, "The server failed; see its log.")
    return refusal(bug), bug.code.name
