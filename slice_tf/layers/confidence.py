"""How sure an expert is of its prediction."""

from typing import Any

from keras import ops


def confidence(logits: Any, task: str = "classification") -> Any:
    """Returns how far an expert's logits are from undecided.

    - `classification` of one logit gives the paper's `abs(p)`. Several give
      `max(l) - log(mean(exp(l_others)))`: the log odds of the best class
      against an average other one. It is 0 where all classes are equally
      likely, never negative, and equals `abs(l_1 - l_0)` for two classes,
      which is the binary case written with two logits.
    - `multi_label` gives the mean of `abs(p)` over labels, each of which is a
      binary task. The mean, not the sum: attention must not sharpen because
      there are more labels.
    - `regression` gives 0: the size of a predicted number says nothing of how
      sure it is, and attention must not change when a constant is added to
      the target. Indicators alone weigh the experts.

    Args:
        logits: Of shape `[..., logits]`.
        task: What logits mean.

    Returns:
        Confidences, of shape `[...]`.

    Source:
        Chen et al. 2019, section 3.2 (e), for one logit of a class. The paper
        does not define confidence otherwise.
    """
    if task == "regression":
        return ops.zeros_like(logits[..., 0])
    num_logits = logits.shape[-1]
    if task == "multi_label" or num_logits == 1:
        return ops.mean(ops.abs(logits), axis=-1)
    best = ops.one_hot(ops.argmax(logits, axis=-1), num_logits) > 0
    others = ops.where(best, -float("inf"), logits)
    num_others = ops.cast(num_logits - 1, logits.dtype)
    log_mean_others = ops.logsumexp(others, axis=-1) - ops.log(num_others)
    return ops.max(logits, axis=-1) - log_mean_others
