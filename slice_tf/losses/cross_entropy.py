"""Cross-entropy of logits, in a form whose gradient is right at 0."""

from typing import Any

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
        labels: Integers, of a shape that broadcasts with `[...]`.

    Returns:
        Losses in nats, float32 of shape `[...]`.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "int32")
    num_logits = logits.shape[-1]
    if num_logits == 1:
        targets = ops.cast(ops.equal(labels, 1), "float32")
        losses = binary_cross_entropy(logits[..., 0], targets)
    else:
        targets = ops.one_hot(labels, num_logits, dtype="float32")
        of_label = ops.sum(logits * targets, axis=-1)
        losses = ops.logsumexp(logits, axis=-1) - of_label
    num_classes = max(num_logits, 2)
    is_class = ops.logical_and(labels >= 0, labels < num_classes)
    return ops.where(is_class, losses, float("nan"))
