"""Examples with what the Keras model says of them: what an export must say."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from slice_tf.data.feature_spec import Feature, FeatureSpec
from slice_tf.data.parse import fill_up, parse_specs
from slice_tf.export.c_tensor import Array
from slice_tf.export.endpoints import is_sliced, make_endpoints
from slice_tf.models.task_model import TaskModel

NUM_EXAMPLES = 3
_TEXTS = ("", "a", "What is the capital of Peru?", "naïve café №5")


@dataclasses.dataclass(frozen=True)
class Probe:
    """Some examples, and what is to be answered.

    Args:
        features: Arrays by name, of shape `[batch, ...]`.
        outputs: By signature and name of output, `[batch, ...]`; what is not
            there is not compared.
    """

    features: dict[str, Array]
    outputs: dict[str, dict[str, Array]]


def make_probe(
    model: TaskModel,
    spec: FeatureSpec,
    features: Mapping[str, Array] | None = None,
    *,
    num_examples: int = NUM_EXAMPLES,
) -> Probe:
    """Returns what a Keras model says of examples.

    The model is called as it is, neither folded nor compiled.

    Args:
        model: A built model.
        spec: The features it reads.
        features: Arrays by name, of shape `[batch, ...]`; by default
            examples of normal numbers, integers 0 and 1 and short texts.
        num_examples: Number of those.

    Raises:
        ValueError: If the model does not take these examples.
    """
    inputs = dict(features or random_features(spec, num_examples))
    tensors = {
        name: keras.ops.convert_to_tensor(one, spec.features[name].dtype)
        for name, one in inputs.items()
    }
    heads = model.schema.names if is_sliced(model) and model.schema else ()
    endpoints = make_endpoints(model, heads)
    try:
        outputs = {
            name: {
                key: np.asarray(value)
                for key, value in one.function(tensors).items()
            }
            for name, one in endpoints.items()
        }
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            "The model must take the examples that it is asked. Received: "
            f"features={', '.join(inputs)}, error={error}. Bring examples of "
            "yours where it does not take random numbers and texts."
        ) from error
    return Probe(inputs, outputs)


def read_samples(
    records: Sequence[bytes], spec: FeatureSpec
) -> dict[str, Array]:
    """Returns the features of serialized examples, for `make_probe`.

    Raises:
        ValueError: If there is none, or one lacks a feature.
    """
    if not records:
        raise ValueError("There must be an example to sample. Received: none")
    try:
        parsed = tf.io.parse_example(list(records), parse_specs(spec))
        filled = fill_up(parsed, spec)
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            "Samples must have the features of the model. Received: "
            f"features={', '.join(spec.features)}, error={error}"
        ) from error
    return {name: one.numpy() for name, one in filled.items()}


def zero_features(spec: FeatureSpec) -> dict[str, Array]:
    """Returns three examples of zeros and empty strings."""
    return {
        name: np.full(
            (NUM_EXAMPLES, *one.shape),
            b"" if one.dtype == "string" else 0,
            object if one.dtype == "string" else one.dtype,
        )
        for name, one in spec.features.items()
    }


def random_features(spec: FeatureSpec, num_examples: int) -> dict[str, Array]:
    """Returns examples that any model should take, always the same."""
    generator = np.random.default_rng(0)
    return {
        name: _random(one, num_examples, generator)
        for name, one in spec.features.items()
    }


def _random(feature: Feature, num_examples: int, generator: Any) -> Array:
    shape = (num_examples, *feature.shape)
    if feature.dtype == "string":
        texts = np.array(_TEXTS, object)
        chosen: Array = texts[generator.integers(len(_TEXTS), size=shape)]
        return chosen
    if feature.dtype == "int64":
        integers: Array = generator.integers(2, size=shape)
        return integers
    numbers: Array = generator.normal(size=shape).astype(np.float32)
    return numbers
