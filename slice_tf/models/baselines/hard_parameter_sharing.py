"""HPS: one task a slice on a shared backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import num_logits
from slice_tf.losses.expert_loss import expert_loss
from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class TaskHeads(keras.layers.Layer):
    """Linear heads: one a slice and one for the prediction.

    Args:
        num_slices: Number of slices, the base slice not counted.
        num_classes: Number of classes; 2 is a binary task with one logit.

    Call arguments:
        z: Representations, of shape `[batch, dim]`.

    Returns:
        `logits` of shape `[batch, logits]` and `expert_logits` of shape
        `[batch, slices + 1, logits]`, of which the last are `logits`.
    """

    def __init__(self, num_slices: int, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_slices, self.num_classes = num_slices, num_classes
        self.num_logits = num_logits(num_classes)
        self.dense = keras.layers.Dense(
            (num_slices + 1) * self.num_logits,
            dtype=self.dtype_policy,
            name="heads",
        )

    def build(self, z_shape: Any) -> None:
        self.dense.build(z_shape)

    def call(self, z: Any) -> dict[str, Any]:
        shape = (-1, self.num_slices + 1, self.num_logits)
        logits = ops.reshape(ops.cast(self.dense(z), "float32"), shape)
        return {"logits": logits[:, -1], "expert_logits": logits}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_slices": self.num_slices,
            "num_classes": self.num_classes,
        }


@keras.saving.register_keras_serializable(package="slice_tf")
class HardParameterSharingModel(TaskModel):
    """Slices as tasks of their own; only the backbone learns from all.

    Args:
        backbone: A Keras model from a dict of features to `z`.
        schema: The slices.
        num_classes: Number of classes; 2 is a binary task.
        multipliers: Weight of each slice's loss, base slice last; `None`
            weighs all by 1.

    Source:
        Chen et al. 2019, section 4.1.1, HPS.
    """

    schema: SliceSchema

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int = 2,
        multipliers: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, **kwargs)
        ones = [1.0] * (self.num_slices + 1)
        self.multipliers = [float(one) for one in multipliers or ones]
        self.module = TaskHeads(
            self.num_slices, num_classes, dtype=self.dtype_policy, name="heads"
        )
        self.build_from_backbone()

    def loss_parts(
        self, outputs: Mapping[str, Any], targets: Targets
    ) -> dict[str, Any]:
        weights = ops.convert_to_tensor(self.multipliers, "float32")
        return {
            "task_loss": expert_loss(
                outputs["expert_logits"],
                targets.learned_label,
                targets.membership,
                weights,
            )
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multipliers": self.multipliers}


def train_hard_parameter_sharing(
    task: BaselineTask, multipliers: Sequence[float] | None = None
) -> TaskModel:
    """Returns a trained `HardParameterSharingModel`."""
    return task.fit(
        HardParameterSharingModel(
            task.backbone(), task.schema, task.num_classes, multipliers
        )
    )
