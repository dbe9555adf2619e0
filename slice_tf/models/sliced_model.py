"""What the trained and the folded slice-aware model share."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy.typing as npt
from keras import ops

from slice_tf.losses.recipe import Recipe, recipe_of
from slice_tf.losses.slice_aware_loss import SliceAwareLoss, check_rates
from slice_tf.models.probabilities import predictions
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema
from slice_tf.tasks import TASKS

PARTS = ("base_loss", "indicator_loss", "expert_loss")


class SlicedModel(TaskModel):
    """A model that predicts by attention over slices, and explains itself.

    A subclass sets `self.module`, a `SliceModule`.

    Args:
        backbone: As of `SliceAwareModel`, and so are all others.
        schema: The slices.
        num_classes: Number of classes or labels.
        task: What is predicted.
        recipe: What the paper leaves open.
        slice_rates: Share of the training examples in each slice.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If an argument is out of range.
    """

    tasks = TASKS
    schema: SliceSchema

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int | None,
        *,
        task: str = "classification",
        recipe: str | Recipe | Mapping[str, Any] = "default",
        slice_rates: npt.ArrayLike | None = None,
        **kwargs: Any,
    ) -> None:
        if schema is None:
            raise TypeError(
                "`schema` must be a `SliceSchema`, because it says which "
                "slices there are. Received: schema=None"
            )
        super().__init__(backbone, schema, num_classes, task, **kwargs)
        self.recipe = recipe_of(recipe)
        rates = check_rates(slice_rates, schema.num_slices)
        self.slice_rates = None if rates is None else tuple(rates.tolist())
        slices = enumerate(schema.slices)
        self.monitor_only = tuple(i for i, one in slices if one.monitor_only)
        self._slice_aware_loss = SliceAwareLoss(
            self.recipe, schema.num_slices, rates, self.monitor_only, task
        )
        self._part_means = [keras.metrics.Mean(name) for name in PARTS]

    def module_arguments(self) -> dict[str, Any]:
        """Returns what both modules take."""
        fixed = self.recipe.base_indicator == "zero"
        return {
            "num_slices": self.num_slices,
            "num_classes": self.num_classes,
            "task": self.task,
            "base_indicator": "zero" if fixed else "learned",
            "monitor_only": self.monitor_only,
            "temperature": self.recipe.temperature,
            "name": "slice_residual_attention",
        }

    def _build_module(self, z_shape: Any, indicator_shape: Any) -> None:
        self.module.build(z_shape, indicator_shape)

    def call(self, features: Any, training: bool | None = None) -> Any:
        z, indicator_features = self.read_backbone(features, training)
        return self.module(z, indicator_features)

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        return self._slice_aware_loss(
            outputs,
            targets.learned_label,
            targets.membership,
            targets.known,
        )

    def track_parts(self, means: Mapping[str, Any], batch_size: Any) -> None:
        for metric in self._part_means:
            metric.update_state(means[metric.name], sample_weight=batch_size)

    def membership_logits(self, indicator_logits: Any) -> Any:
        """Returns log odds of membership.

        Balanced indicators are trained as if every slice held half of the
        examples; this takes the slices' rates back in, so that 0 means as
        likely in as out.

        Args:
            indicator_logits: Of shape `[batch, slices]`.

        Returns:
            Of shape `[batch, slices]`.
        """
        offsets = self._slice_aware_loss.indicator_offsets
        return ops.subtract(indicator_logits, offsets)

    def slice_probabilities(self, indicator_logits: Any) -> Any:
        """Returns probabilities of membership, rates taken in.

        Args:
            indicator_logits: Of shape `[batch, slices]`.

        Returns:
            Of shape `[batch, slices]`.
        """
        return ops.sigmoid(self.membership_logits(indicator_logits))

    def explain(self, features: Any) -> dict[str, Any]:
        """Returns predictions and what led to them.

        Args:
            features: As for calling the model.

        Returns:
            Of classes, `probabilities` `[batch, classes]` and `class_ids`
            `[batch]`; of labels, `probabilities` `[batch, labels]`; of a
            number, `predictions` `[batch]`. Further `slice_probabilities`
            `[batch, slices]`, `attention` `[batch, slices + 1]`, `logits`, and
            `contributions` `[batch, slices + 1, logits]`: what each slice's
            expert adds to the logits, the base slice last; they sum to
            `logits`.
        """
        z, indicator_features = self.read_backbone(features, training=False)
        outputs = self.module(z, indicator_features, explain=True)
        return {
            **predictions(outputs["logits"], self.task),
            "slice_probabilities": self.slice_probabilities(
                outputs["indicator_logits"]
            ),
            "attention": outputs["attention"],
            "logits": outputs["logits"],
            "contributions": outputs["contributions"],
        }

    @property
    def can_fold(self) -> bool:
        """Whether `fold` is possible: experts are linear."""
        return self.module.is_linear

    def fold(self) -> "SlicedModel":
        """Returns the model with all linear maps of slices multiplied out."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recipe": dataclasses.asdict(self.recipe),
            "slice_rates": self.slice_rates,
        }
