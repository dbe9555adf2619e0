"""A trained model as functions of TensorFlow."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.export import signatures as names
from slice_tf.export.tasks import make_task_signatures
from slice_tf.models.probabilities import class_ids, class_probabilities
from slice_tf.models.sliced_model import SlicedModel
from slice_tf.models.task_model import TaskModel

Outputs = dict[str, Any]

# What TensorFlow keeps as it is when it makes an argument's name of it.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EXPLAIN = (
    names.PROBABILITIES,
    names.CLASS_IDS,
    names.SLICE_PROBABILITIES,
    names.ATTENTION,
    names.LOGITS,
)
_PREDICT = (names.PROBABILITIES, names.CLASS_IDS)


class Servable(tf.Module):
    """Owns what the signatures of a model use: variables and lookup tables.

    The Keras model itself is not tracked: the SavedModel would hold its
    weights a second time.

    Args:
        model: A built model.
    """

    def __init__(self, model: TaskModel) -> None:
        super().__init__(name="servable")
        self.weights = [variable.value for variable in model.variables]
        self.resources = _resources(model)


def make_signatures(model: TaskModel, spec: FeatureSpec) -> dict[str, Any]:
    """Returns the functions to export, by name of signature.

    Batches may have any size; every other size of an input is checked in the
    graph, because a model server does not.

    Args:
        model: A built model.
        spec: The features it reads.
    """
    predict, explain = _predict_and_explain(model)
    dense = {
        name: tf.TensorSpec([None, *one.shape], one.dtype, name)
        for name, one in spec.features.items()
    }
    checked = _checking_shapes(predict, spec)
    serialized = tf.TensorSpec([None], tf.string, names.EXAMPLES_INPUT)
    parsed = _parsing_examples(predict, spec)
    functions = {
        names.SERVING_DEFAULT: _traced(checked, dense),
        names.EXAMPLES: _traced(parsed, {names.EXAMPLES_INPUT: serialized}),
        **make_task_signatures(parsed, spec.num_classes),
    }
    if explain is not None:
        functions[names.EXPLAIN] = _traced(
            _checking_shapes(explain, spec), dense
        )
    return functions


def check_servable(model: Any, spec: FeatureSpec) -> None:
    """Refuses what cannot be exported.

    Raises:
        TypeError: If the model is none of slice-tf.
        ValueError: If a feature's name cannot name an input, or model and
            spec contradict one another.
    """
    if not isinstance(model, TaskModel):
        raise TypeError(
            "`model` must be a `SliceAwareModel` or `VanillaModel`, because "
            "signatures are made of its outputs. "
            f"Received: type={type(model).__name__}"
        )
    odd = [
        name
        for name in spec.features
        if not _NAME.fullmatch(name) or name == "self"
    ]
    if odd:
        raise ValueError(
            "A feature's name must consist of letters, digits and underscores "
            "and begin with a letter, because TensorFlow would rename the "
            f"signature's input. Received: features={', '.join(odd)}. Rename "
            "them in the records."
        )
    if model.num_classes != spec.num_classes:
        raise ValueError(
            "Model and feature spec must have the same number of classes. "
            f"Received: model={model.num_classes}, spec={spec.num_classes}"
        )


def build(model: TaskModel, spec: FeatureSpec) -> None:
    """Calls the model once, so that it has its weights and fits the spec.

    Raises:
        ValueError: If the model does not take these features.
    """
    zeros = {
        name: tf.zeros([1, *one.shape], one.dtype)
        for name, one in spec.features.items()
    }
    try:
        model(zeros, training=False)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise ValueError(
            "The model must take the features of the spec. Received: "
            f"features={', '.join(spec.features)}, error={error}"
        ) from error


def _predict_and_explain(
    model: TaskModel,
) -> tuple[
    Callable[[Any], Outputs],
    Callable[[Any], Outputs] | None,
]:
    if isinstance(model, SlicedModel):
        return (
            lambda features: _chosen(model.explain(features), _PREDICT),
            lambda features: _chosen(model.explain(features), _EXPLAIN),
        )

    def predict(features: Any) -> Outputs:
        logits = model(features, training=False)["logits"]
        outputs = {
            names.PROBABILITIES: class_probabilities(logits),
            names.CLASS_IDS: class_ids(logits),
        }
        return _chosen(outputs, _PREDICT)

    return predict, None


def _chosen(outputs: Mapping[str, Any], keys: tuple[str, ...]) -> Outputs:
    chosen = {key: outputs[key] for key in keys}
    chosen[names.CLASS_IDS] = tf.cast(chosen[names.CLASS_IDS], tf.int64)
    return chosen


def _checking_shapes(
    function: Callable[[Any], Outputs], spec: FeatureSpec
) -> Callable[..., Outputs]:
    def checked(**features: Any) -> Outputs:
        return function(
            {
                name: tf.ensure_shape(features[name], [None, *one.shape])
                for name, one in spec.features.items()
            }
        )

    return checked


def _parsing_examples(
    function: Callable[[Any], Outputs], spec: FeatureSpec
) -> Callable[..., Outputs]:
    parsers = {
        name: tf.io.FixedLenFeature(one.shape, tf.as_dtype(one.dtype))
        for name, one in spec.features.items()
    }

    def parsed(**inputs: Any) -> Outputs:
        serialized = inputs[names.EXAMPLES_INPUT]
        return function(tf.io.parse_example(serialized, parsers))

    return parsed


def _traced(function: Callable[..., Outputs], specs: Mapping[str, Any]) -> Any:
    compiled = tf.function(function, autograph=False)
    return compiled.get_concrete_function(**specs)


def _resources(model: Any) -> list[Any]:
    """Returns lookup tables and the like that the model's layers hold.

    Keras lists layers at any depth for its own use only; its own exporter
    finds tables so, too.
    """
    kind = tf.saved_model.experimental.TrackableResource
    return [
        one
        for layer in model._flatten_layers()
        for value in vars(layer).values()
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, kind)
    ]
