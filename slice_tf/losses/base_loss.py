"""The loss of the final prediction."""

from typing import Any

from keras import ops

from slice_tf.losses.prediction_loss import prediction_loss


def base_loss(
    logits: Any,
    labels: Any,
    membership: Any,
    member_weight: float = 1.0,
    task: str = "classification",
) -> Any:
    """Returns `CE(f(z'), y)` of each example, or its like of another task.

    Args:
        logits: `f(z')`, of shape `[batch, logits]`.
        labels: Integers `[batch]`, or probabilities `[batch, classes]`; of
            other tasks, see `prediction_loss`.
        membership: Zeros and ones, of shape `[batch, slices]`; 0 where it is
            not known.
        member_weight: Weight of an example that is in any slice.
        task: What logits mean.

    Returns:
        Losses, of shape `[batch]`.

    Source:
        Chen et al. 2019, section 3.2 (f), with a weight of 1.
    """
    losses = prediction_loss(logits, labels, task)
    if member_weight == 1.0 or not membership.shape[-1]:
        return losses
    in_any = ops.max(membership, axis=-1)
    return losses * (1.0 + (member_weight - 1.0) * in_any)
