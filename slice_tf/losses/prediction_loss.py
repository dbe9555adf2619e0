"""The loss of a prediction, whatever the task."""

from typing import Any

from keras import ops

from slice_tf.losses.cross_entropy import binary_cross_entropy, cross_entropy


def prediction_loss(
    logits: Any, labels: Any, task: str = "classification"
) -> Any:
    """Returns the loss of a prediction against what is true.

    A label that is none gives NaN: in a graph it cannot raise, and any other
    value would train on it in silence.

    Args:
        logits: Of shape `[..., logits]`.
        labels: Of a shape that broadcasts with `logits`, but for classes: see
            `cross_entropy`. For labels, numbers from 0 to 1 of shape
            `[..., labels]`; for a number, of shape `[..., 1]`.
        task: `classification` takes the cross-entropy, `multi_label` the mean
            of the labels' binary cross-entropies, so that more labels do not
            outweigh the indicators' losses, and `regression` the squared
            error.

    Returns:
        Losses, float32 of shape `[...]`; in nats, or in squares of the
        number's unit.
    """
    if task == "classification":
        return cross_entropy(logits, labels)
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "float32")
    if task == "regression":
        return ops.mean(ops.square(logits - labels), axis=-1)
    losses = binary_cross_entropy(logits, labels)
    is_label = ops.logical_and(labels >= 0, labels <= 1)
    return ops.mean(ops.where(is_label, losses, float("nan")), axis=-1)
