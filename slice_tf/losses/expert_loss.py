"""The loss of the experts."""

from typing import Any

from keras import ops

from slice_tf.losses.prediction_loss import prediction_loss


def expert_loss(
    expert_logits: Any,
    labels: Any,
    membership: Any,
    slice_weights: Any = 1.0,
    task: str = "classification",
) -> Any:
    """Returns `sum_i membership_i CE(p_i, y)` of each example.

    Other tasks take their like of the cross-entropy.

    An expert learns only from its slice's members; the base slice's expert,
    which comes last, learns from all.

    Args:
        expert_logits: `p`, of shape `[batch, slices + 1, logits]`.
        labels: Integers `[batch]`, or probabilities `[batch, classes]`; of
            other tasks, see `prediction_loss`.
        membership: Zeros and ones, of shape `[batch, slices]`; 0 where it is
            not known.
        slice_weights: Of shape `[slices + 1]` or scalar.
        task: What logits mean.

    Returns:
        Losses, of shape `[batch]`.

    Source:
        Chen et al. 2019, section 3.2 (d), with weights of 1.
    """
    losses = prediction_loss(expert_logits, labels[:, None], task)
    base = ops.ones_like(losses[:, :1])
    members = ops.concatenate([membership, base], axis=-1)
    weights = ops.multiply(members, slice_weights)
    return ops.sum(weights * losses, axis=-1)
