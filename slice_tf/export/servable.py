"""A trained model as functions of TensorFlow."""

import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.parse import fill_up, parse_specs
from slice_tf.export.endpoints import (
    Endpoint,
    Outputs,
    is_sliced,
    make_endpoints,
)
from slice_tf.models.task_model import TaskModel

WEIGHTS = ("float32", "float16", "bfloat16")

# What TensorFlow keeps as it is when it makes an argument's name of it.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Servable(tf.Module):
    """Owns what the signatures of a model use: variables and lookup tables.

    The Keras model itself is not tracked: the SavedModel would hold its
    weights a second time.

    Args:
        model: A built model.
        spec: The features it reads.
        weights: Type that matrices are stored in. They are read as float32,
            so that only what they say is rounded, never what is computed.
        slice_heads: Slices for the signature `heads`.

    Attributes:
        functions: What to export, by name of signature. Batches may
            have any size; every other size of an input is checked in the
            graph, because a model server does not.
    """

    def __init__(
        self,
        model: TaskModel,
        spec: FeatureSpec,
        *,
        weights: str = "float32",
        slice_heads: Sequence[str] = (),
    ) -> None:
        super().__init__(name="servable")
        stored = _stored(model, weights)
        endpoints = make_endpoints(model, slice_heads)
        functions = {
            name: _traced(one, spec, stored) for name, one in endpoints.items()
        }
        copies = [kept for _, kept in stored]
        self.weights = variables_of(functions.values(), model, copies)
        self.resources = resources_of(model)
        self.functions = functions


def check_servable(
    model: Any,
    spec: FeatureSpec,
    weights: str = "float32",
    slice_heads: Sequence[str] = (),
) -> None:
    """Refuses what cannot be exported.

    Raises:
        TypeError: If the model is none of slice-tf.
        ValueError: If Keras does not run on TensorFlow, a feature's name
            cannot name an input, model and spec contradict one another, there
            are no such weights, or the model has no such slice.
    """
    _check_backend()
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
    if model.task != "regression" and model.num_classes != spec.num_classes:
        raise ValueError(
            "Model and feature spec must have the same number of classes. "
            f"Received: model={model.num_classes}, spec={spec.num_classes}"
        )
    if weights not in WEIGHTS:
        raise ValueError(
            f"`weights` must be one of {', '.join(WEIGHTS)}. "
            f"Received: weights={weights!r}"
        )
    _check_heads(model, slice_heads)


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            "Keras must run on TensorFlow to export a SavedModel. "
            f"Received: backend={backend}. Set KERAS_BACKEND=tensorflow; a "
            "`.keras` file of any backend can be loaded there."
        )


def _check_heads(model: Any, slice_heads: Sequence[str]) -> None:
    known = model.schema.names if is_sliced(model) else ()
    unknown = [name for name in slice_heads if name not in known]
    if unknown:
        raise ValueError(
            "`slice_heads` must name slices of the model, because each is one "
            f"of its indicators. Received: slice_heads={', '.join(unknown)}, "
            f"slices={', '.join(known) or 'none'}"
        )


def save_module(
    module: Any,
    path: pathlib.Path,
    signatures: Mapping[str, Any] | None = None,
) -> None:
    """Saves what the model's functions belong to.

    Raises:
        ValueError: If a function reads what belongs to no layer.
    """
    try:
        tf.saved_model.save(
            module, str(path), signatures=dict(signatures or {})
        )
    except AssertionError as error:
        raise ValueError(
            "Whatever the model reads must belong to one of its layers as an "
            "attribute, because it is saved with them. "
            f"Received: error={error}"
        ) from error


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


def _stored(model: TaskModel, weights: str) -> list[tuple[Any, Any]]:
    """Returns the matrices of a model with their smaller copies."""
    if weights == "float32":
        return []
    return [
        (one, tf.Variable(tf.cast(one.value, weights), name=one.path))
        for one in model.variables
        if one.dtype == "float32" and len(one.shape) > 1
    ]


def _traced(
    endpoint: Endpoint, spec: FeatureSpec, stored: Sequence[tuple[Any, Any]]
) -> Any:
    """Returns the concrete function of an endpoint."""

    def run(features: Mapping[str, Any]) -> Outputs:
        if not stored:
            return endpoint.function(features)
        read = [(one, tf.cast(kept, tf.float32)) for one, kept in stored]
        with keras.StatelessScope(state_mapping=read):
            return endpoint.function(features)

    if endpoint.takes is None:
        return _concrete(_checking_shapes(run, spec), dense_specs(spec))
    serialized = tf.TensorSpec([None], tf.string, endpoint.takes)
    return _concrete(
        _parsing_examples(run, spec, endpoint.takes),
        {endpoint.takes: serialized},
    )


def variables_of(
    functions: Iterable[Any], model: TaskModel, copies: Sequence[Any] = ()
) -> list[Any]:
    """Returns the variables that concrete functions read.

    They come in the model's order, whatever the order of a process is, so
    that one model is always written the same way.

    Args:
        functions: Concrete functions.
        model: The model they were made of.
        copies: Variables that stand for some of the model's.
    """
    used = {id(v): v for one in functions for v in one.graph.variables}
    known = [*(one.value for one in model.variables), *copies]
    ordered = [used.pop(id(one)) for one in known if id(one) in used]
    return ordered + sorted(used.values(), key=lambda one: one.name)


def dense_specs(spec: FeatureSpec) -> dict[str, Any]:
    """Returns the tensors that dense features come in, by name."""
    return {
        name: tf.TensorSpec([None, *one.shape], one.dtype, name)
        for name, one in spec.features.items()
    }


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
    function: Callable[[Any], Outputs], spec: FeatureSpec, takes: str
) -> Callable[..., Outputs]:
    parsers = parse_specs(spec)

    def parsed(**inputs: Any) -> Outputs:
        values = tf.io.parse_example(inputs[takes], parsers)
        return function(fill_up(values, spec))

    return parsed


def _concrete(
    function: Callable[..., Outputs], specs: Mapping[str, Any]
) -> Any:
    compiled = tf.function(function, autograph=False)
    return compiled.get_concrete_function(**specs)


def resources_of(model: Any) -> list[Any]:
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
