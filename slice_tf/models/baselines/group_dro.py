"""Group DRO: the loss of the slices that do worst."""

from typing import Any

import keras
from keras import ops

from slice_tf.losses.cross_entropy import cross_entropy
from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.models.vanilla_model import PredictionHead
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class GroupDROModel(TaskModel):
    """A plain model that minimises `sum_g w_g * mean loss of slice g`.

    Each step first multiplies `w_g` by `exp(step_size * loss of g)`. The
    slices may overlap; the base slice is one of them.

    Args:
        backbone: A Keras model from a dict of features to `z`.
        schema: The slices.
        num_classes: Number of classes; 2 is a binary task.
        step_size: How fast weights follow losses.

    Source:
        Sagawa et al., "Distributionally robust neural networks for group
        shifts", ICLR 2020, algorithm 1.
    """

    schema: SliceSchema

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int = 2,
        step_size: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, **kwargs)
        self.step_size = step_size
        self.module = PredictionHead(
            num_classes, dtype=self.dtype_policy, name="prediction_head"
        )
        self.log_weights = self.add_weight(
            shape=(self.num_slices + 1,),
            initializer="zeros",
            trainable=False,
            name="log_weights",
        )
        self.build_from_backbone()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if training:
            self._follow(self._read(y), y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def _follow(self, targets: Targets, outputs: Any) -> None:
        """Raises the weight of each slice by its loss."""
        losses, shares = _losses(targets, outputs)
        of_slice = ops.mean(shares * losses[:, None], axis=0)
        step = self.step_size * ops.stop_gradient(of_slice)
        self.log_weights.assign_add(step)

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        losses, shares = _losses(targets, outputs)
        weights = ops.softmax(self.log_weights)
        return {"group_loss": losses * ops.sum(shares * weights, axis=-1)}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "step_size": self.step_size}


def _losses(targets: Targets, outputs: Any) -> tuple[Any, Any]:
    """Returns losses `[batch]`, and shares `[batch, slices + 1]` of slices.

    A share is of the example in the mean of the slice, so that a mean over
    the batch is a mean over the slice.
    """
    losses = cross_entropy(outputs["logits"], targets.learned_label)
    everyone = ops.ones_like(losses)[:, None]
    members = ops.concatenate([targets.membership, everyone], axis=-1)
    return losses, members / ops.maximum(ops.mean(members, axis=0), 1e-6)


def train_group_dro(task: BaselineTask) -> TaskModel:
    """Returns a trained `GroupDROModel`."""
    return task.fit(
        GroupDROModel(task.backbone(), task.schema, task.num_classes)
    )
