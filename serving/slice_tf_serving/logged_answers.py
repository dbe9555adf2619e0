"""The answers in a request log, read without TensorFlow."""

import dataclasses
from collections.abc import Container, Mapping

from google.protobuf.message import DecodeError

from slice_tf_serving.client.api_messages import message
from slice_tf_serving.codes import ApiError
from slice_tf_serving.dtypes import Array
from slice_tf_serving.tensors import decode_all

_MAX_ELEMENTS = 1 << 26


@dataclasses.dataclass(frozen=True)
class LoggedAnswer:
    """What a server answered to one predict request.

    Args:
        model: Name of the model.
        version: Its version; 0 where the log does not say.
        outputs: Arrays by name, of shape `[batch, ...]`.
        seconds: When it was given, in seconds since 1970; 0 where the log
            does not say.
    """

    model: str
    version: int
    outputs: Mapping[str, Array]
    seconds: int = 0


def read_answer(
    record: bytes, names: Container[str] | None = None
) -> LoggedAnswer | None:
    """Returns the answer of a serialized `PredictionLog`.

    Args:
        record: The message.
        names: Outputs to read, where they are there; None reads all.

    Returns:
        None where the log is of something else than a predict request, or
        holds no answer, as warm-up files do.

    Raises:
        ValueError: If the record is no `PredictionLog`, or a tensor in it is
            malformed.
    """
    try:
        log = message("PredictionLog").FromString(record)
    except DecodeError as error:
        raise ValueError(
            "A request log must hold `tensorflow.serving.PredictionLog`s. "
            f"Received: bytes={len(record)}, error={error}"
        ) from error
    response = log.predict_log.response
    if not response.outputs:
        return None
    wanted = {
        name: proto
        for name, proto in response.outputs.items()
        if names is None or name in names
    }
    try:
        outputs = decode_all(wanted, _MAX_ELEMENTS)
    except ApiError as error:
        raise ValueError(
            f"An answer's tensors must be whole. Received: {error}"
        ) from error
    spec = response.model_spec
    seconds = max(0, log.log_metadata.timestamp_secs)
    return LoggedAnswer(spec.name, spec.version.value, outputs, seconds)


def answer_of(
    record: bytes,
    names: Container[str] | None = None,
    model: str | None = None,
    version: int | None = None,
) -> tuple[int, Mapping[str, Array]] | None:
    """Returns when an answer was given, 0 if unknown, and its outputs by name.

    Args:
        record: A serialized `PredictionLog`.
        names: Outputs to read; None reads all.
        model: Name of the model to read of; None reads of any.
        version: Its version; None reads of any.

    Returns:
        None where it is no answer of that model and version.

    Raises:
        ValueError: As `read_answer`.
    """
    answer = read_answer(record, names)
    if (
        answer is None
        or (model is not None and answer.model != model)
        or (version is not None and answer.version != version)
    ):
        return None
    return answer.seconds, answer.outputs
