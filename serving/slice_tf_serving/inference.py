"""Classify, Regress and MultiInference: examples in, typed results out.

Source: TensorFlow Serving, `servables/tensorflow/classifier.cc`,
`regressor.cc` and `multi_inference.cc`, whose texts and order of checks are
kept.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.export.signatures import (
    CLASSES,
    OUTPUTS,
    SCORES,
    SERVING_DEFAULT,
    TASK_INPUT,
)
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import Array, of_array
from slice_tf_serving.specs import SignatureSpec

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


@dataclasses.dataclass(frozen=True)
class Task:
    """A signature that is asked to classify or to regress.

    Args:
        signature: Its name.
        method: `CLASSIFY` or `REGRESS`.
        input: Name of its only input.
    """

    signature: str
    method: str
    input: str = TASK_INPUT

    @classmethod
    def of(
        cls, signatures: Mapping[str, SignatureSpec], name: str, method: str
    ) -> "Task":
        """Returns the task of a signature.

        Raises:
            ApiError: If there is no such signature, or it is of another form.
        """
        if name not in signatures:
            raise invalid(f"No signature was found with the name: {name}")
        _FORMS[method](signatures[name])
        return cls(name, method)

    def result(self, outputs: Mapping[str, Array], count: int) -> Any:
        """Returns a `ClassificationResult` or `RegressionResult`.

        Args:
            outputs: What the signature gave.
            count: Number of examples it was given.

        Raises:
            ApiError: If an output is not of the form of the method.
        """
        if self.method == CLASSIFY:
            return _classification(outputs, count)
        return _regression(outputs, count)


def tasks_of(
    signatures: Mapping[str, SignatureSpec], request: Any
) -> list[Task]:
    """Returns the tasks of a `MultiInferenceRequest`.

    Raises:
        ApiError: If they contradict one another, or one cannot be done.
    """
    tasks: list[Task] = []
    for one in request.tasks:
        spec = one.model_spec
        if not spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        if spec.name != request.tasks[0].model_spec.name:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the "
                "same model name."
            )
        name = spec.signature_name or SERVING_DEFAULT
        if any(task.signature == name for task in tasks):
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in signatures:
            raise invalid(
                f"Requested signature not found in model graph: {name}"
            )
        if one.method_name not in _FORMS:
            raise ApiError(
                Code.UNIMPLEMENTED,
                f"Unsupported signature method_name: {one.method_name}",
            )
        tasks.append(Task.of(signatures, name, one.method_name))
    return tasks


def examples_of(message: Any) -> Array:
    """Returns serialized examples of an `Input`, of shape `[batch]`.

    A context is put before each example, so that the example's own features
    win where both have one.

    Raises:
        ApiError: If there is none.
    """
    kind = message.WhichOneof("kind")
    context = b""
    if kind == "example_list_with_context":
        context = message.example_list_with_context.context.SerializeToString()
    examples = getattr(message, kind).examples if kind else ()
    if not examples:
        raise invalid("Input is empty.")
    column = [context + one.SerializeToString() for one in examples]
    return np.array([*column, None], object)[:-1]


def _check_classify(spec: SignatureSpec) -> None:
    if len(spec.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(spec.outputs) not in (1, 2):
        raise invalid(
            f"Expected one or two output Tensors, found {len(spec.outputs)}"
        )
    if TASK_INPUT not in spec.inputs:
        raise invalid("No classification inputs found in SignatureDef: ")
    if not {CLASSES, SCORES} & set(spec.outputs):
        raise invalid(
            "Expected classification signature outputs to contain at least "
            f'one of "{CLASSES}" or "{SCORES}". Signature was: '
        )


def _check_regress(spec: SignatureSpec) -> None:
    if len(spec.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(spec.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if TASK_INPUT not in spec.inputs:
        raise invalid("No regression inputs found in SignatureDef: ")
    if OUTPUTS not in spec.outputs:
        raise invalid("No regression outputs found in SignatureDef: ")


_FORMS = {CLASSIFY: _check_classify, REGRESS: _check_regress}


def _classification(outputs: Mapping[str, Array], count: int) -> Any:
    from tensorflow_serving.apis import classification_pb2

    classes = _matrix(outputs, CLASSES, "DT_STRING", count)
    scores = _matrix(outputs, SCORES, "DT_FLOAT", count)
    if classes is not None and scores is not None:
        sizes = classes.shape[1], scores.shape[1]
        if sizes[0] != sizes[1]:
            raise invalid(
                "Tensors class and score should match in dim_size(1). Got "
                f"{sizes[0]} vs. {sizes[1]}"
            )
    result = classification_pb2.ClassificationResult()
    rows = classes if classes is not None else scores
    for row in range(count):
        found = result.classifications.add().classes
        for column in range(rows.shape[1] if rows is not None else 0):
            one = found.add()
            if classes is not None:
                one.label = _label(classes[row, column])
            if scores is not None:
                one.score = scores[row, column]
    return result


def _label(value: bytes) -> str:
    """Returns a label; protobuf's Python takes nothing but UTF-8."""
    return value.decode(errors="replace")


def _matrix(
    outputs: Mapping[str, Array], name: str, dtype: str, count: int
) -> Array | None:
    if name not in outputs:
        return None
    array = outputs[name]
    if array.ndim != 2:
        raise invalid(
            "Expected Tensor shape: [batch_size num_classes] but got "
            f"{_sizes(array)}"
        )
    _check_dtype(array, f"Expected {name} Tensor of {dtype}. Got: ", dtype)
    if len(array) != count:
        raise invalid(
            f"Expected {name} output batch size of {count}. Got: {len(array)}"
        )
    return array


def _regression(outputs: Mapping[str, Array], count: int) -> Any:
    from tensorflow_serving.apis import regression_pb2

    array = outputs[OUTPUTS]
    if array.ndim != 1 and (array.ndim != 2 or array.shape[1] != 1):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or "
            f"[batch_size, 1] but got {_sizes(array)}"
        )
    if len(array) != count:
        raise invalid(
            "Input batch size did not match output batch size: "
            f"{count} vs. {len(array)}"
        )
    text = "Expected output Tensor of DT_FLOAT.  Got: "
    _check_dtype(array, text, "DT_FLOAT")
    result = regression_pb2.RegressionResult()
    for value in array.ravel().tolist():
        result.regressions.add(value=value)
    return result


def _check_dtype(array: Array, text: str, expected: str) -> None:
    dtype = of_array(array)
    if dtype is None or dtype.name != expected:
        raise invalid(f"{text}{dtype.name if dtype else 'DT_INVALID'}")


def _sizes(array: Array) -> str:
    return f"[{','.join(map(str, array.shape))}]"
