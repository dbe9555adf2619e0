"""DFR: a plain model whose last layer learns from balanced slices."""

import numpy as np

from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.baselines.vanilla import train_vanilla
from slice_tf.models.task_model import TaskModel


def balancing_weights(membership: np.ndarray) -> np.ndarray:
    """Returns weights by which all slices, and the rest, weigh the same.

    An example of several slices counts in each. The mean weight is 1.

    Args:
        membership: Zeros and ones, of shape `[examples, slices]`.

    Returns:
        Float32, of shape `[examples]`.
    """
    rest = membership.max(axis=1, initial=0, keepdims=True) == 0
    groups = np.concatenate([membership, rest], axis=1).astype(np.float64)
    weights = (groups / np.maximum(groups.sum(axis=0), 1)).sum(axis=1)
    return (weights / weights.mean()).astype(np.float32)


def train_last_layer_retraining(task: BaselineTask) -> TaskModel:
    """Returns a `VanillaModel` whose head was trained again, balanced.

    The head learns from the held-out examples where there are any, the
    backbone never does.

    Source:
        Kirichenko et al., "Last layer re-training is sufficient for
        robustness to spurious correlations", ICLR 2023.
    """
    model = train_vanilla(task)
    features, targets = task.chosen_on
    weights = balancing_weights(targets["membership"])
    model.backbone.trainable = False
    return task.fit(model, weights, features=features, targets=targets)
