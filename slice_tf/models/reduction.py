"""From losses of examples to the one number that a step minimises."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops


def example_weights(sample_weight: Any) -> Any:
    """Returns weights of shape `[batch]`, or `None`.

    Keras copies one array of weights to every target, so that a dict arrives;
    the weights of `label` stand for the example.

    Args:
        sample_weight: Of shape `[batch]` or `[batch, 1]`, a dict of such, or
            `None`.

    Raises:
        ValueError: If weights are not one number an example.
    """
    if isinstance(sample_weight, Mapping):
        sample_weight = sample_weight.get("label")
    if sample_weight is None:
        return None
    weights = ops.cast(sample_weight, "float32")
    if len(weights.shape) == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    if len(weights.shape) != 1:
        raise ValueError(
            "`sample_weight` must be one number an example, because it weighs "
            "the example in every loss. "
            f"Received: shape={tuple(weights.shape)}"
        )
    return weights


def batch_mean(values: Any, weights: Any = None) -> Any:
    """Returns the mean over the batch, 0 for an empty one.

    As in Keras, a weighted sum is divided by the number of examples, not by
    the sum of the weights.

    Args:
        values: Of shape `[batch]`.
        weights: Of shape `[batch]`, or `None`.
    """
    count = ops.cast(ops.maximum(ops.shape(values)[0], 1), values.dtype)
    return ops.sum(values if weights is None else values * weights) / count


def share_of_replica(loss: Any) -> Any:
    """Divides by the number of replicas, whose gradients are summed.

    Every loss of Keras does so under `tf.distribute`, and no public function
    does it alone, so this is a loss that is what it is given. Elsewhere it
    changes nothing.

    Args:
        loss: A scalar.
    """
    column = ops.reshape(loss, (1,))  # Keras leaves scalars as they are.
    return _SHARE(column, column)


class _Share(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        del y_true
        return y_pred


_SHARE = _Share(name="share_of_replica")
