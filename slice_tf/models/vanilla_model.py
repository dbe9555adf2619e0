"""The model without slices, to compare with."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_num_classes, num_logits
from slice_tf.losses.prediction_loss import prediction_loss
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema
from slice_tf.tasks import TASKS


@keras.saving.register_keras_serializable(package="slice_tf")
class PredictionHead(keras.layers.Layer):
    """A linear layer from `z` to a dict of `logits`.

    Args:
        num_classes: Number of classes or labels; 2 classes are a binary task
            with one logit.
        task: What logits mean.

    Call arguments:
        z: Representations, of shape `[batch, dim]`.

    Returns:
        `{"logits": float32 [batch, logits]}`.
    """

    def __init__(
        self,
        num_classes: int | None,
        task: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes, self.task = check_num_classes(num_classes, task), task
        self.dense = keras.layers.Dense(
            num_logits(self.num_classes, task),
            dtype=self.dtype_policy,
            name="head",
        )

    def build(self, z_shape: Any) -> None:
        self.dense.build(z_shape)

    def call(self, z: Any) -> dict[str, Any]:
        return {"logits": ops.cast(self.dense(z), "float32")}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "task": self.task,
        }


@keras.saving.register_keras_serializable(package="slice_tf")
class VanillaModel(TaskModel):
    """A backbone and a linear prediction head that know no slices.

    It takes the same targets as `SliceAwareModel` and, with a schema, logs
    the same numbers per slice, so that runs compare. Slices never influence
    what it learns.

    Args:
        backbone: A Keras model from a dict of features to `z`, of shape
            `[batch, dim]`.
        num_classes: Number of classes, or of labels of a multi-label task;
            left out where a number is predicted. 2 classes are a binary task
            with one logit.
        schema: The slices to score, or `None`; targets then need no
            `membership`.
        task: `"classification"`, `"multi_label"` or `"regression"`; see
            `SliceAwareModel`.

    Call arguments:
        features: A dict of tensors, each of shape `[batch, ...]`.

    Returns:
        `{"logits": float32 [batch, logits]}`, one logit for a binary task.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If the task is unknown or not of that many classes.

    Source:
        Chen et al. 2019, section 4.1.1, VANILLA.
    """

    tasks = TASKS

    def __init__(
        self,
        backbone: Any,
        num_classes: int | None = None,
        schema: SliceSchema | None = None,
        *,
        task: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, task, **kwargs)
        self.module = PredictionHead(
            self.num_classes,
            task,
            dtype=self.dtype_policy,
            name="prediction_head",
        )
        self.build_from_backbone()

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        logits, label = outputs["logits"], targets.learned_label
        return {"base_loss": prediction_loss(logits, label, self.task)}
