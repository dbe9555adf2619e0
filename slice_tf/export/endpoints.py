"""What each signature makes of features."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from slice_tf.export import signatures as names
from slice_tf.models.probabilities import predictions
from slice_tf.models.sliced_model import SlicedModel
from slice_tf.models.task_model import TaskModel

Outputs = dict[str, Any]
Function = Callable[[Mapping[str, Any]], Outputs]

_EXPLAINED = (names.SLICE_PROBABILITIES, names.ATTENTION, names.LOGITS)


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One signature as a function of features.

    Args:
        function: From a dict of features, `[batch, ...]`, to named outputs.
        takes: Name of the input that holds serialized examples, or `None`
            where it takes the features by name.
    """

    function: Function
    takes: str | None = None


def make_endpoints(
    model: TaskModel, slice_heads: Sequence[str] = ()
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model, by name of signature.

    Args:
        model: A built model.
        slice_heads: Slices for `heads` to tell of; none leaves it out.
    """
    predict = _predictor(model)
    endpoints = {
        names.SERVING_DEFAULT: Endpoint(predict),
        names.EXAMPLES: Endpoint(predict, names.EXAMPLES_INPUT),
    }
    for name, function in task_functions(model).items():
        endpoints[name] = Endpoint(function, names.TASK_INPUT)
    if is_sliced(model):
        endpoints[names.EXPLAIN] = Endpoint(_explainer(model))
    if slice_heads:
        heads = heads_function(model, slice_heads)
        endpoints[names.HEADS] = Endpoint(heads, names.EXAMPLES_INPUT)
    return endpoints


def is_sliced(model: TaskModel) -> bool:
    """Tells whether a model has indicators and attention to explain."""
    return isinstance(model, SlicedModel)


def task_functions(model: TaskModel) -> dict[str, Function]:
    """Returns what TensorFlow Serving's Classify and Regress may call.

    `classify` gives every class with its probability; a class is called by
    its number. `regress` gives the number predicted or, of two classes, the
    probability of class 1.
    """
    predict = _predictor(model)

    def classify(features: Mapping[str, Any]) -> Outputs:
        return classified(predict(features)[names.PROBABILITIES])

    def regress(features: Mapping[str, Any]) -> Outputs:
        return {names.OUTPUTS: number_of(predict(features))}

    if model.task == "regression":
        return {names.REGRESS: regress}
    if model.task == "classification" and model.num_classes == 2:
        return {names.CLASSIFY: classify, names.REGRESS: regress}
    return {names.CLASSIFY: classify}


def heads_function(model: Any, slices: Sequence[str]) -> Function:
    """Returns what one pass says of a prediction and of slices.

    Its outputs are those of `classify` and `regress`, and for each slice
    `indicator_<slice>`, the probability that the example is in it, and, where
    it has an expert, `expert_<slice>`, what that alone predicts.
    """
    positions = {name: model.schema.index(name) for name in slices}

    def heads(features: Mapping[str, Any]) -> Outputs:
        outputs = model(features, training=False)
        said = _served(predictions(outputs["logits"], model.task))
        results = task_outputs(said, model)
        inside = model.slice_probabilities(outputs["indicator_logits"])
        for name, position in positions.items():
            results[f"{names.INDICATOR}{name}"] = inside[:, position]
            if position not in model.monitor_only:
                alone = predictions(
                    outputs["expert_logits"][:, position], model.task
                )
                results[f"{names.EXPERT}{name}"] = alone.get(
                    names.PROBABILITIES, alone.get(names.PREDICTIONS)
                )
        return results

    return heads


def task_outputs(said: Mapping[str, Any], model: TaskModel) -> Outputs:
    """Returns the outputs of `classify` and `regress` together."""
    results: Outputs = {}
    if names.PROBABILITIES in said:
        results |= classified(said[names.PROBABILITIES])
    if names.REGRESS in task_functions(model):
        results[names.OUTPUTS] = number_of(said)
    return results


def classified(probabilities: Any) -> Outputs:
    """Returns classes with their probabilities, in Classify's form."""
    labels = [str(one) for one in range(probabilities.shape[-1])]
    count = tf.shape(probabilities)[0]
    return {
        names.CLASSES: tf.tile(tf.constant([labels]), [count, 1]),
        names.SCORES: probabilities,
    }


def number_of(said: Mapping[str, Any]) -> Any:
    """Returns the number that is predicted, of shape `[batch]`."""
    if names.PREDICTIONS in said:
        return said[names.PREDICTIONS]
    return said[names.PROBABILITIES][:, 1]


def _predictor(model: TaskModel) -> Function:
    def predict(features: Mapping[str, Any]) -> Outputs:
        logits = model(features, training=False)["logits"]
        return _served(predictions(logits, model.task))

    return predict


def _explainer(model: Any) -> Function:
    def explain(features: Mapping[str, Any]) -> Outputs:
        outputs = model.explain(features)
        shown = _served(predictions(outputs["logits"], model.task))
        return {**shown, **{key: outputs[key] for key in _EXPLAINED}}

    return explain


def _served(outputs: Mapping[str, Any]) -> Outputs:
    """Returns outputs whose types all backbones and policies share."""
    return {
        name: tf.cast(one, tf.int64 if name == names.CLASS_IDS else tf.float32)
        for name, one in outputs.items()
    }
