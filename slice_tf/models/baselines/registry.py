"""All baselines by name."""

from collections.abc import Callable

from slice_tf.models.baselines.data_programming import train_data_programming
from slice_tf.models.baselines.group_dro import train_group_dro
from slice_tf.models.baselines.hard_parameter_sharing import (
    train_hard_parameter_sharing,
)
from slice_tf.models.baselines.just_train_twice import train_just_train_twice
from slice_tf.models.baselines.last_layer_retraining import (
    train_last_layer_retraining,
)
from slice_tf.models.baselines.manual import train_manual
from slice_tf.models.baselines.mixture_of_experts import (
    train_mixture_of_experts,
)
from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.baselines.up_weighting import train_up_weighting
from slice_tf.models.baselines.vanilla import train_vanilla
from slice_tf.models.task_model import TaskModel

BASELINES: dict[str, Callable[[BaselineTask], TaskModel]] = {
    "vanilla": train_vanilla,
    "hard_parameter_sharing": train_hard_parameter_sharing,
    "manual": train_manual,
    "mixture_of_experts": train_mixture_of_experts,
    "data_programming": train_data_programming,
    "up_weighting": train_up_weighting,
    "group_dro": train_group_dro,
    "just_train_twice": train_just_train_twice,
    "last_layer_retraining": train_last_layer_retraining,
}


def train_baseline(name: str, task: BaselineTask) -> TaskModel:
    """Returns a trained baseline.

    Args:
        name: One of `BASELINES`.
        task: Data, backbone and budget.

    Raises:
        ValueError: If there is no baseline of that name.
    """
    if name not in BASELINES:
        raise ValueError(
            f"`name` must be one of {', '.join(BASELINES)}. "
            f"Received: name={name!r}"
        )
    return BASELINES[name](task)
