"""From the JSON body of a classify or regress request to examples."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slice_tf_serving.codes import invalid
from slice_tf_serving.json_forms.described import described
from slice_tf_serving.json_forms.document import read_document
from slice_tf_serving.json_forms.values import (
    encoded,
    is_base64,
    kind_of,
    unescaped,
)

CONTEXT = "context"
EXAMPLES = "examples"

_INT64 = np.iinfo(np.int64)
_UINT64_MAX = 2**64 - 1
_TEXTS = {
    "bytes_list": "bytes",
    "float_list": "float",
    "int64_list": "int64",
}


def parse_examples(body: bytes, max_elements: int) -> tuple[str, Any]:
    """Reads a classify or regress request.

    A whole number becomes an int64 feature, and so never meets a float one;
    that is what TensorFlow Serving does.

    Args:
        body: JSON, UTF-8.
        max_elements: Bound on the values in the body.

    Returns:
        Name of the signature, empty for the default, and a
        `tensorflow.serving.Input`.

    Raises:
        ApiError: If the body is no such request.
    """
    from tensorflow_serving.apis import input_pb2

    document, name = read_document(body, max_elements)
    message = input_pb2.Input()
    listed = message.example_list
    if CONTEXT in document:
        listed = message.example_list_with_context
        listed.context.SetInParent()
        _fill(document[CONTEXT], listed.context)
    if EXAMPLES not in document:
        raise _malformed(
            document,
            f"When method is classify, key '{EXAMPLES}' is expected and was "
            "not found",
        )
    examples = document[EXAMPLES]
    if not isinstance(examples, list):
        raise _malformed(
            document, f"Expecting '{EXAMPLES}' value to be an list/array"
        )
    if not examples:
        raise _malformed(document, f"'{EXAMPLES}' value is an empty array")
    for example in examples:
        _fill(example, listed.examples.add())
    return name, message


def _malformed(document: Mapping[str, Any], text: str) -> Exception:
    return invalid(f"JSON Value: {described(document)} {text}")


def _fill(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(
            f"Example must be JSON object but got JSON {kind_of(value)}"
        )
    for name, content in value.items():
        feature = _feature(example, name)
        for one in content if isinstance(content, list) else [content]:
            _add(one, name, feature)


def _feature(example: Any, name: str) -> Any:
    """Returns a feature without values; of two of a name the last counts."""
    try:
        feature = example.features.feature[name]
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise invalid(f"Feature: {name} is not named in UTF-8") from error
    feature.Clear()
    feature.SetInParent()
    return feature


def _add(value: Any, name: str, feature: Any) -> None:
    field, convert = _form(value, name)
    kind = feature.WhichOneof("kind")
    if kind not in (None, field):
        raise invalid(
            f"Unexpected element type in feature: {name} expecting type: "
            f"{_TEXTS[kind]}"
        )
    getattr(feature, field).value.append(convert(value))


def _form(value: Any, name: str) -> tuple[str, Callable[[Any], Any]]:
    """Returns the field of a feature that takes a value, and how."""
    if isinstance(value, str):
        return "bytes_list", encoded
    if is_base64(value):
        return "bytes_list", unescaped
    if isinstance(value, bool):
        return "int64_list", int
    if isinstance(value, float):
        return "float_list", _float
    if isinstance(value, int):
        if _INT64.max < value <= _UINT64_MAX:
            raise invalid(
                f"Feature: {name} has uint64_t element. Only int64_t is "
                "supported."
            )
        if _INT64.min <= value <= _INT64.max:
            return "int64_list", int
        return "float_list", _float  # as JSON readers do
    raise invalid(
        f"Feature: {name} has element with unexpected JSON type: "
        f"{kind_of(value)}"
    )


def _float(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))
