"""DP: a plain model on labels that sources have voted for."""

import numpy as np

from slice_tf.models.baselines.label_model import (
    ABSTAIN,
    fit_label_model,
)
from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.baselines.vanilla import new_vanilla
from slice_tf.models.task_model import TaskModel


def votes_of_slices(
    membership: np.ndarray, labels: np.ndarray, num_classes: int
) -> np.ndarray:
    """Returns votes: each slice's commonest label, and the label itself.

    Args:
        membership: Zeros and ones, of shape `[examples, slices]`.
        labels: Integers, of shape `[examples]`.
        num_classes: Number of classes.

    Returns:
        Integers of shape `[examples, slices + 1]`; a slice abstains from
        those that are not in it.
    """
    counts = membership.T @ np.eye(num_classes)[labels]
    votes = np.where(membership > 0, counts.argmax(axis=1), ABSTAIN)
    return np.concatenate([votes, labels[:, None]], axis=1).astype(np.int64)


def train_data_programming(task: BaselineTask) -> TaskModel:
    """Returns a `VanillaModel` trained on probabilistic labels.

    It is as good as `task.votes`. Votes made of slices and the label say no
    more of the label than it does: training on the labels themselves is then
    better. Of `task`'s labels, it reads how common each class is.

    Source:
        Ratner et al., "Data programming", NeurIPS 2016; Chen et al. 2019,
        section 4.2.
    """
    votes, labels = task.votes, task.targets["label"]
    if votes is None:
        membership = task.targets["membership"]
        votes = votes_of_slices(membership, labels, task.num_classes)
    # One more of each class, so that none is impossible.
    balance = 1 + np.bincount(labels, minlength=task.num_classes)
    model = fit_label_model(votes, task.num_classes, balance)
    soft = model.probabilities(votes)
    return task.fit(new_vanilla(task), targets={**task.targets, "label": soft})
