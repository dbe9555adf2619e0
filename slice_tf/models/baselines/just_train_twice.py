"""JTT: train, then train again with weight on the errors."""

import dataclasses

import numpy as np

from slice_tf.models.baselines.task import BaselineTask, is_right
from slice_tf.models.baselines.vanilla import new_vanilla, train_vanilla
from slice_tf.models.task_model import TaskModel

ERROR_WEIGHT = 20.0


def train_just_train_twice(task: BaselineTask) -> TaskModel:
    """Returns a `VanillaModel` trained with weight on another's errors.

    It reads no slices.

    Source:
        Liu et al., "Just train twice", ICML 2021. The first model trains for
        a fifth of the epochs, so that it errs.
    """
    short = dataclasses.replace(task, epochs=max(1, task.epochs // 5))
    first = train_vanilla(short)
    right = is_right(first, task.features, task.targets)
    weights = np.where(right, 1.0, ERROR_WEIGHT).astype(np.float32)
    return task.fit(new_vanilla(task), weights=weights / weights.mean())
