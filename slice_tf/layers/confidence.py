"""How sure an expert is of its prediction."""

from typing import Any

from keras import ops


def confidence(logits: Any) -> Any:
    """Returns how far an expert's logits are from undecided.

    One logit (a binary task) gives the paper's `abs(p)`. Several give
    `max(l) - log(mean(exp(l_others)))`: the log odds of the best class
    against an average other one. It is 0 where all classes are equally
    likely, never negative, and equals `abs(l_1 - l_0)` for two classes, which
    is the binary case written with two logits.

    Args:
        logits: Of shape `[..., logits]`.

    Returns:
        Confidences, of shape `[...]`.

    Source:
        Chen et al. 2019, section 3.2 (e), for one logit. The paper does not
        define confidence for more than two classes.
    """
    num_logits = logits.shape[-1]
    if num_logits == 1:
        return ops.abs(logits[..., 0])
    best = ops.one_hot(ops.argmax(logits, axis=-1), num_logits) > 0
    others = ops.where(best, -float("inf"), logits)
    num_others = ops.cast(num_logits - 1, logits.dtype)
    log_mean_others = ops.logsumexp(others, axis=-1) - ops.log(num_others)
    return ops.max(logits, axis=-1) - log_mean_others
