"""VANILLA: a backbone and a head that know no slices."""

from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.task_model import TaskModel
from slice_tf.models.vanilla_model import VanillaModel


def new_vanilla(task: BaselineTask) -> VanillaModel:
    """Returns a model without slices, not trained."""
    return VanillaModel(task.backbone(), task.num_classes, task.schema)


def train_vanilla(task: BaselineTask) -> TaskModel:
    """Returns a trained `VanillaModel`.

    Source:
        Chen et al. 2019, section 4.1.1, VANILLA.
    """
    return task.fit(new_vanilla(task))
