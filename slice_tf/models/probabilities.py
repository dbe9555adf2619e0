"""From logits to what a user asks for."""

from typing import Any

from keras import ops


def predictions(logits: Any, task: str = "classification") -> dict[str, Any]:
    """Returns what a model says, by name.

    Args:
        logits: Of shape `[batch, logits]`.
        task: What logits mean.

    Returns:
        Of classes, `probabilities` `[batch, classes]` and `class_ids`
        `[batch]`; of labels, `probabilities` `[batch, labels]`, each on its
        own; of a number, `predictions` `[batch]`.
    """
    if task == "regression":
        return {"predictions": logits[:, 0]}
    if task == "multi_label":
        return {"probabilities": ops.sigmoid(logits)}
    return {
        "probabilities": class_probabilities(logits),
        "class_ids": class_ids(logits),
    }


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
