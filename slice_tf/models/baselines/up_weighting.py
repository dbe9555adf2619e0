"""Up-weighting: a plain model, and more weight for rare slices."""

import numpy as np

from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.baselines.vanilla import new_vanilla
from slice_tf.models.task_model import TaskModel

MOST = 50.0  # times an example of no slice


def slice_weights(membership: np.ndarray) -> np.ndarray:
    """Returns weights of examples by the rarest slice each is in.

    An example weighs in inverse proportion to that slice's size, at most 50
    times an example of no slice; the mean weight is 1.

    Args:
        membership: Zeros and ones, of shape `[examples, slices + 1]`, the
            base slice last.

    Returns:
        Float32, of shape `[examples]`.
    """
    rates = np.maximum(membership.mean(axis=0), 1.0 / MOST)
    weights = (membership / rates).max(axis=1)
    return (weights / weights.mean()).astype(np.float32)


def train_up_weighting(task: BaselineTask) -> TaskModel:
    """Returns a `VanillaModel` trained with more weight on rare slices."""
    return task.fit(new_vanilla(task), weights=slice_weights(task.membership))
