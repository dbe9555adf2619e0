"""From logits to what a user asks for."""

from typing import Any

from keras import ops


def class_probabilities(logits: Any) -> Any:
    """Returns one probability a class.

    Args:
        logits: Of shape `[batch, logits]`, one logit meaning a binary task.

    Returns:
        Of shape `[batch, classes]`, every row summing to 1.
    """
    if logits.shape[-1] > 1:
        return ops.softmax(logits, axis=-1)
    return ops.concatenate([ops.sigmoid(-logits), ops.sigmoid(logits)], axis=-1)


def class_ids(logits: Any) -> Any:
    """Returns the predicted class, of shape `[batch]`.

    A binary task predicts class 1 where its logit is above 0.

    Args:
        logits: Of shape `[batch, logits]`.
    """
    if logits.shape[-1] > 1:
        return ops.argmax(logits, axis=-1)
    return ops.cast(logits[:, 0] > 0, "int32")
