"""Cross-entropy of logits, in a form whose gradient is right at 0."""

from typing import Any

import keras
from keras import ops


def binary_cross_entropy(logits: Any, targets: Any) -> Any:
    """Returns `softplus(l) - l * t`, element by element.

    The usual `max(l, 0) - l * t + log(1 + exp(-abs(l)))` has an autodiff
    gradient of 0 at `l = 0`, where heads that start at zero would stay.

    Args:
        logits: Of any shape.
        targets: Of the same or a broadcastable shape, from 0 to 1.

    Returns:
        Losses in nats, of the broadcast shape.
    """
    return ops.softplus(logits) - logits * targets


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Returns the cross-entropy of class logits.

    A label that is no class gives NaN: in a graph it cannot raise, and any
    other value would train on it in silence.

    Args:
        logits: Of shape `[..., logits]`, one logit meaning a binary task.
        labels: Integers, of a shape that broadcasts with `[...]`, or floats
            of one axis more: probabilities of the classes.

    Returns:
        Losses in nats, float32 of shape `[...]`.

    Raises:
        ValueError: If floats are no row of probabilities.
    """
    logits = ops.cast(logits, "float32")
    num_classes = max(logits.shape[-1], 2)
    if "float" in keras.backend.standardize_dtype(labels.dtype):
        if len(labels.shape) != len(logits.shape):
            raise ValueError(
                "Float labels must be probabilities, one a class, because a "
                "class is an integer. Received: "
                f"labels={tuple(labels.shape)}, logits={tuple(logits.shape)}"
            )
        return _soft_cross_entropy(logits, ops.cast(labels, "float32"))
    labels = ops.cast(labels, "int32")
    targets = ops.one_hot(labels, num_classes, dtype="float32")
    is_class = ops.logical_and(labels >= 0, labels < num_classes)
    losses = _soft_cross_entropy(logits, targets)
    return ops.where(is_class, losses, float("nan"))


def _soft_cross_entropy(logits: Any, targets: Any) -> Any:
    """Returns the cross-entropy with probabilities `[..., classes]`."""
    if logits.shape[-1] == 1:
        return binary_cross_entropy(logits[..., 0], targets[..., 1])
    of_label = ops.sum(logits * targets, axis=-1)
    return ops.logsumexp(logits, axis=-1) - of_label
