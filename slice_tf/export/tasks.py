"""Signatures in the form of TensorFlow Serving's Classify and Regress."""

import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from slice_tf.export import signatures as names

_METHODS = {
    names.CLASSIFY: "tensorflow/serving/classify",
    names.REGRESS: "tensorflow/serving/regress",
}


def make_task_signatures(
    predict: Callable[..., dict[str, Any]], num_classes: int
) -> dict[str, Any]:
    """Returns the functions to export, by name of signature.

    `classify` gives every class with its probability; a class is called by
    its number. `regress`, of two classes only, gives the probability of
    class 1.

    Args:
        predict: From serialized examples, as `examples=`, to probabilities.
        num_classes: Number of classes.
    """
    serialized = tf.TensorSpec([None], tf.string, names.TASK_INPUT)
    labels = tf.constant([[str(one) for one in range(num_classes)]])

    def probabilities(inputs: Any) -> Any:
        return predict(**{names.EXAMPLES_INPUT: inputs})[names.PROBABILITIES]

    def classify(inputs: Any) -> dict[str, Any]:
        scores = probabilities(inputs)
        count = tf.shape(scores)[0]
        return {
            names.CLASSES: tf.tile(labels, [count, 1]),
            names.SCORES: scores,
        }

    def regress(inputs: Any) -> dict[str, Any]:
        return {names.OUTPUTS: probabilities(inputs)[:, 1]}

    functions = {names.CLASSIFY: classify}
    if num_classes == 2:
        functions[names.REGRESS] = regress
    return {
        name: tf.function(one, autograph=False).get_concrete_function(
            serialized
        )
        for name, one in functions.items()
    }


def set_methods(directory: pathlib.Path) -> None:
    """Names the method of each such signature.

    TensorFlow calls every signature one to predict with, which servers that
    check method names would not classify by.
    """
    path = directory / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in message.meta_graphs:
        for name, method in _METHODS.items():
            if name in graph.signature_def:
                graph.signature_def[name].method_name = method
    path.write_bytes(message.SerializeToString(deterministic=True))
