"""The REST API of TensorFlow Serving."""

import functools
import http
import logging
import re
import time
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from slice_tf_serving import metrics
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.inference import CLASSIFY, REGRESS
from slice_tf_serving.json_forms.answers import results
from slice_tf_serving.json_forms.examples import parse_examples
from slice_tf_serving.outcomes import Done, tell_of
from slice_tf_serving.rest.connection import HttpConnection
from slice_tf_serving.rest.messages import HttpAnswer, HttpRequest, refusal
from slice_tf_serving.rest.path import RestPath, is_uri
from slice_tf_serving.security import UNAUTHENTICATED, is_allowed
from slice_tf_serving.servable import Servable
from slice_tf_serving.service import SIGNATURE_DEF, Service
from slice_tf_serving.versions import MAX_VERSION

logger = logging.getLogger("slice_tf.serving")

_ORIGIN = re.compile(rb"https?://")
_OK = Code.OK.name
_METRICS = metrics.PATH.encode()
_METHODS = frozenset(
    ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
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
        if method not in _METHODS:
            return _page(501)
        if not is_uri(path):
            return _page(400)
        if path.partition(b"?")[0] == _METRICS:
            text = self._service.telemetry.text().encode()
            return HttpAnswer(200, text, metrics.CONTENT_TYPE)
        if path[:4].lower() != b"/v1/":
            return _page(404)
        if method == "OPTIONS":
            origin = _ORIGIN.search(request.headers.get(b"origin", b""))
            return HttpAnswer(400 if origin is None else 200, b"")
        try:
            if asked is None:
                raise invalid(f"Malformed request: {method} {path.decode()}")
            return HttpAnswer(200, self._get(asked))
        except Exception as error:
            return _failure(error, path)[0]

    def _begin(self, request: HttpRequest, asked: RestPath, done: Done) -> None:
        """Starts what the model has to do."""
        _check_version(asked)
        limits = self._service.limits
        body = request.content(limits.request_bytes)
        spec = asked.model, asked.version, asked.label
        if asked.verb == "predict":
            self._service.predict_json(body, spec, done)
            return
        signature, message = parse_examples(body, limits.elements)
        method = CLASSIFY if asked.verb == "classify" else REGRESS
        servable = self._service.manager.find(*spec)
        tell_of(self._performed(servable, signature, method, message), done)

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
            model, asked.verb, "REST", status, began
        )
        connection.reply(answer)

    def _get(self, asked: RestPath) -> bytes:
        _check_version(asked)
        if not asked.model:
            raise invalid("Missing model name in request.")
        spec = asked.model, asked.version, asked.label
        if asked.verb == "status":
            return _json(self._service.status(spec)).encode()
        response = self._service.metadata(spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(signatures)
        return (
            f'{{\n"model_spec":{_json(response.model_spec)},\n'
            f'"metadata": {{"{SIGNATURE_DEF}": {_json(signatures)}}}\n}}\n'
        ).encode()


def _json(message: Any) -> str:
    """Returns a message as C++ writes it."""
    text = json_format.MessageToJson(
        message,
        indent=1,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return f"{text}\n"


def _page(status: int) -> HttpAnswer:
    """Returns what is said of a request that never reaches the API."""
    reason = http.HTTPStatus(status).phrase
    title = f"<head><title>{status} {reason}</title></head>"
    page = f"<html>{title}<body><h1>{reason}</h1></body></html>"
    return HttpAnswer(status, page.encode(), "text/html")


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
