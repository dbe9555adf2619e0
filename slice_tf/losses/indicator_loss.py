"""The loss of the indicators."""

from typing import Any

from keras import ops

from slice_tf.losses.cross_entropy import binary_cross_entropy


def indicator_loss(
    indicator_logits: Any,
    membership: Any,
    known: Any,
    member_weights: Any = 1.0,
    other_weights: Any = 1.0,
) -> Any:
    """Returns `sum_i BCE(q_i, membership_i)` of each example.

    Args:
        indicator_logits: `q`, of shape `[batch, slices]`.
        membership: Zeros and ones, of shape `[batch, slices]`.
        known: Zeros and ones, of shape `[batch, slices]`; where 0 the slice
            has no term.
        member_weights: Weights of members, of shape `[slices]` or scalar.
        other_weights: Weights of the others, of shape `[slices]` or scalar.

    Returns:
        Losses, of shape `[batch]`.

    Source:
        Chen et al. 2019, section 3.2 (b), with weights of 1.
    """
    losses = binary_cross_entropy(indicator_logits, membership)
    weights = ops.where(membership > 0, member_weights, other_weights)
    return ops.sum(known * weights * losses, axis=-1)
