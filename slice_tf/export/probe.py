"""Examples with what the Keras model says of them: what an export must say."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from slice_tf.data.feature_spec import Feature, FeatureSpec
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
) -> Probe:
    """Returns what a Keras model says of examples.

    The model is called as it is, neither folded nor compiled.

    Args:
        model: A built model.
        spec: The features it reads.
        features: Arrays by name, of shape `[batch, ...]`; by default three
            examples of normal numbers, integers 0 and 1 and short texts.
    """
    inputs = dict(features or random_features(spec))
    tensors = {
        name: keras.ops.convert_to_tensor(one, spec.features[name].dtype)
        for name, one in inputs.items()
    }
    heads = model.schema.names if is_sliced(model) and model.schema else ()
    endpoints = make_endpoints(model, heads)
    return Probe(
        inputs,
        {
            name: {
                key: np.asarray(value)
                for key, value in one.function(tensors).items()
            }
            for name, one in endpoints.items()
        },
    )


def random_features(spec: FeatureSpec, seed: int = 0) -> dict[str, Array]:
    """Returns three examples that any model should take."""
    generator = np.random.default_rng(seed)
    return {
        name: _random(one, generator) for name, one in spec.features.items()
    }


def _random(feature: Feature, generator: Any) -> Array:
    shape = (NUM_EXAMPLES, *feature.shape)
    if feature.dtype == "string":
        texts = np.array(_TEXTS, object)
        chosen: Array = texts[generator.integers(len(_TEXTS), size=shape)]
        return chosen
    if feature.dtype == "int64":
        integers: Array = generator.integers(2, size=shape)
        return integers
    numbers: Array = generator.normal(size=shape).astype(np.float32)
    return numbers
