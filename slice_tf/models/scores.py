"""What metrics compare: a label and a prediction of it."""

from typing import Any

from keras import ops

from slice_tf.models.probabilities import class_ids, class_probabilities


def compared_per_slice(label: Any, logits: Any, task: str) -> tuple[Any, Any]:
    """Returns truth and prediction as a model's `slice_metric` takes them.

    Args:
        label: `Targets.label`.
        logits: Of shape `[batch, logits]`.
        task: What logits mean.

    Returns:
        Classes `[batch]`, labels that apply `[batch, labels]`, or numbers
        `[batch, 1]`.
    """
    if task == "regression":
        return label, logits
    if task == "multi_label":
        return ops.cast(label > 0.5, "int32"), ops.cast(logits > 0, "int32")
    return label, class_ids(logits)


def compared_with_label(label: Any, logits: Any, task: str) -> tuple[Any, Any]:
    """Returns truth and prediction as metrics of Keras take them.

    Args:
        label: `Targets.label`.
        logits: Of shape `[batch, logits]`.
        task: What logits mean.

    Returns:
        Of a binary task, label and probability of class 1, both of shape
        `[batch, 1]`; of more classes, labels `[batch]` and probabilities
        `[batch, classes]`; of several labels, labels and probabilities
        `[batch, labels]`; or numbers `[batch, 1]`.
    """
    if task == "regression":
        return label, logits
    if task == "multi_label":
        return label, ops.sigmoid(logits)
    scores = class_probabilities(logits)
    if logits.shape[-1] == 1:
        return label[:, None], scores[:, 1:]
    return label, scores
