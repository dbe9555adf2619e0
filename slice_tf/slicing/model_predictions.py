"""Slices of what a model predicts, many examples a call."""

from collections.abc import Callable, Sequence
from typing import Any

from slice_tf.slicing.batch import Batch
from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.importable import path_of
from slice_tf.slicing.modules import attribute_of
from slice_tf.slicing.preprocessor import Preprocessor
from slice_tf.slicing.resource import Resource


def model_predictions(
    handler: str | Callable[..., Any],
    inputs: Callable[[Batch], Sequence[Any]],
    name: str = "predictions",
    version: str = "1",
    share: str = "process",
    **arguments: Any,
) -> Preprocessor:
    """Returns a preprocessor whose value is what a model predicts of a row.

    The model is anything with Beam's `ModelHandler` protocol, such as Beam's
    own handlers for scikit-learn, ONNX, PyTorch and TensorFlow: `load_model()`
    and `run_inference(batch, model)`. It is loaded once a process, and sees
    the rows of a chunk at once, or `max_batch_size` of them where its
    `batch_elements_kwargs()` say so.

    ```python
    def toxicity_model():
        return SklearnModelHandlerNumpy("gs://models/toxicity.pkl")


    TOXICITY = model_predictions(toxicity_model, lambda batch: batch["vector"])
    SLICES = [
        score_above(TOXICITY, 0.9, name="surely_toxic"),
        score_above(TOXICITY, 0.5, name="toxic"),
    ]
    ```

    Args:
        handler: Function of a module that returns the handler, or its import
            path.
        inputs: What the model sees of a batch, one input a row.
        name: What messages call the model.
        version: Change it when the model changes behind its path.
        share: Who shares the model: `process`, or `machine`.
        **arguments: Of the function that returns the handler.

    Raises:
        TypeError: If an argument is no plain value.
        ValueError: If a worker could not find the function by its name.
    """
    path = handler if isinstance(handler, str) else path_of(handler)
    model = Resource(_load, path, share=share, **arguments)

    def predict(batch: Batch, model: Any) -> list[Any]:
        return model.predict(list(inputs(batch)))

    return Preprocessor(
        predict, name, version, batch=True, uses={"model": model}
    )


class _LoadedModel:
    """A handler and the model that it loaded."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._model = handler.load_model()
        limits: Any = getattr(handler, "batch_elements_kwargs", dict)()
        self._max_batch_size = limits.get("max_batch_size")

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        size = self._max_batch_size or len(inputs)
        return [
            getattr(one, "inference", one)
            for start in range(0, len(inputs), size)
            for one in self._handler.run_inference(
                inputs[start : start + size], self._model
            )
        ]


def _load(path: str, **arguments: Any) -> _LoadedModel:
    return _LoadedModel(attribute_of(path)(**arguments))


def score_above(
    scores: Preprocessor,
    threshold: float,
    name: str,
    index: int | None = None,
    **facts: Any,
) -> SlicingFunction:
    """Returns a slicing function: a score is above a threshold.

    Args:
        scores: Preprocessor of one number a row, or of several.
        threshold: What the score must exceed.
        name: Name of the slice.
        index: Which of several numbers counts, such as a class.
        **facts: Further facts of `SlicingFunction`.
    """

    def above(row: Any, score: Any) -> bool:
        return bool((score if index is None else score[index]) > threshold)

    return SlicingFunction(above, name, uses={"score": scores}, **facts)


def predicted_as(
    predictions: Preprocessor, label: Any, name: str, **facts: Any
) -> SlicingFunction:
    """Returns a slicing function: the model predicts a label.

    Args:
        predictions: Preprocessor of a label a row, or of a score a class, of
            which the largest counts; the first, where several are largest.
        label: The label, or the index of the class.
        name: Name of the slice.
        **facts: Further facts of `SlicingFunction`.
    """

    def predicted(row: Any, prediction: Any) -> bool:
        if getattr(prediction, "ndim", 0):
            prediction = prediction.argmax()
        return bool(prediction == label)

    return SlicingFunction(
        predicted, name, uses={"prediction": predictions}, **facts
    )
