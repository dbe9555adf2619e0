"""The model without slices, to compare with."""

from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import num_logits
from slice_tf.losses.cross_entropy import cross_entropy
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class PredictionHead(keras.layers.Layer):
    """A linear layer from `z` to a dict of `logits`.

    Args:
        num_classes: Number of classes; 2 is a binary task with one logit.

    Call arguments:
        z: Representations, of shape `[batch, dim]`.

    Returns:
        `{"logits": float32 [batch, logits]}`.
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.dense = keras.layers.Dense(
            num_logits(num_classes), dtype=self.dtype_policy, name="head"
        )

    def build(self, z_shape: Any) -> None:
        self.dense.build(z_shape)
        self.built = True

    def call(self, z: Any) -> dict[str, Any]:
        return {"logits": ops.cast(self.dense(z), "float32")}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="slice_tf")
class VanillaModel(TaskModel):
    """A backbone and a linear prediction head that know no slices.

    It takes the same targets as `SliceAwareModel` and, with a schema, logs
    the same `accuracy/<slice>`, so that runs compare. Slices never influence
    what it learns.

    Args:
        backbone: A Keras model from a dict of features to `z`, of shape
            `[batch, dim]`.
        num_classes: Number of classes; 2 is a binary task with one logit.
        schema: The slices to score, or `None`; targets then need no
            `membership`.

    Call arguments:
        features: A dict of tensors, each of shape `[batch, ...]`.

    Returns:
        `{"logits": float32 [batch, logits]}`, one logit for a binary task.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If `num_classes` is less than 2.

    Source:
        Chen et al. 2019, section 4.1.1, VANILLA.
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int = 2,
        schema: SliceSchema | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, **kwargs)
        self.module = PredictionHead(
            self.num_classes, dtype=self.dtype_policy, name="prediction_head"
        )
        self.build_from_backbone()

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        label = targets.learned_label
        return {"base_loss": cross_entropy(outputs["logits"], label)}
