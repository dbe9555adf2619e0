"""MANUAL: a search over weights of the slices that do badly."""

import numpy as np

from slice_tf.models.baselines.hard_parameter_sharing import (
    train_hard_parameter_sharing,
)
from slice_tf.models.baselines.task import BaselineTask, accuracies
from slice_tf.models.baselines.vanilla import train_vanilla
from slice_tf.models.task_model import TaskModel

MULTIPLIERS = (2.0, 20.0, 50.0, 100.0)
GAP = 0.05  # of a slice that does badly, to the accuracy of all


def train_manual(task: BaselineTask) -> TaskModel:
    """Returns the best `HardParameterSharingModel` of a grid of weights.

    Slices whose accuracy under VANILLA is five points or more below that of
    all examples get each weight in turn; the model with the highest mean
    accuracy over slices, the base slice among them, is kept.

    Source:
        Chen et al. 2019, section 4.1.1, MANUAL. The paper scores slices by F1
        and does not say how the grid's best is chosen.
    """
    before = accuracies(train_vanilla(task), *task.chosen_on)
    behind = before[-1] - before >= GAP
    if not behind.any():
        return train_hard_parameter_sharing(task)
    models = [
        train_hard_parameter_sharing(task, np.where(behind, one, 1.0).tolist())
        for one in MULTIPLIERS
    ]
    return max(models, key=lambda one: accuracies(one, *task.chosen_on).mean())
