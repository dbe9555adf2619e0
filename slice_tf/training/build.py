"""Making all variables before the first step."""

from typing import Any

import keras
import tensorflow as tf


def build(model: keras.Model, element_spec: Any) -> None:
    """Makes weights, the optimizer's slots and metrics of a compiled model.

    Replicas of a strategy must not make them: each would on its own.

    Args:
        model: A compiled model; call this in the scope of its strategy.
        element_spec: What a batch looks like.
    """
    batch = tf.nest.map_structure(_one_example, element_spec)
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    outputs = model(x, training=False)
    model.optimizer.build(model.trainable_variables)
    with keras.StatelessScope():  # Nothing is counted.
        model.compute_loss(x, y, outputs, weights, training=False)
        model.compute_metrics(x, y, outputs, weights)


def _one_example(spec: Any) -> Any:
    shape = [1, *(1 if size is None else size for size in spec.shape[1:])]
    return tf.zeros(shape, spec.dtype)
