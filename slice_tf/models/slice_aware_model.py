"""The slice-aware model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy.typing as npt
from keras import ops

from slice_tf.layers.slice_module import SliceModule
from slice_tf.layers.slice_residual_attention import SliceResidualAttention
from slice_tf.losses.recipe import Recipe, recipe_of
from slice_tf.losses.slice_aware_loss import SliceAwareLoss, check_rates
from slice_tf.models.probabilities import class_ids, class_probabilities
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema

PARTS = ("base_loss", "indicator_loss", "expert_loss")


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceAwareModel(TaskModel):
    """A backbone and a slice-residual-attention module, trained as one.

    It is a plain Keras model: `compile`, `fit`, `evaluate`, `predict`, `save`
    and `keras.models.load_model` work as ever. Predicting needs features
    alone.

    Training reads targets from a dict of `label` (integers `[batch]`, or
    probabilities `[batch, classes]`), `membership` (0 or 1, `[batch,
    slices]`) and, optionally, `known` (the same shape, 0 where a slicing
    function failed; such a cell has no influence).
    Logs hold `loss`, its three parts and `accuracy/<slice>`.

    Args:
        backbone: A Keras model from a dict of features to `z`, of shape
            `[batch, dim]`.
        schema: The slices, in the order of the slice axis; may be none.
            Slices that are `monitor_only` get an indicator but no attention,
            no expert loss and no extra weight.
        num_classes: Number of classes; 2 is a binary task with one logit.
        units: Width of each expert; `None` takes the width of `z`.
        rank: Rank of each expert's matrix, such as 8: fewer weights and a
            cheaper step of the optimizer; `None` leaves it full.
        activation: Name of an activation of the experts; `None` leaves them
            linear, as in the paper. Others cannot be folded.
        recipe: `"default"`, `"paper"` (section 3.2 to the letter) or a
            `Recipe`.
        slice_rates: Share of the training examples that is in each slice, of
            shape `[slices]`, such as `membership.mean(axis=0)`. The recipe
            `default` balances by it and is weaker without: slices then weigh
            as they are, and rare ones are learned late.
        form: `"auto"`, `"direct"` or `"folded"`: how experts and heads are
            multiplied; see `SliceResidualAttention`.

    Call arguments:
        features: A dict of tensors, each of shape `[batch, ...]`.

    Returns:
        The dict of `SliceResidualAttention`.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If an argument is out of range.

    Source:
        Chen et al. 2019, section 3.2.

    Example:
        model = SliceAwareModel(backbone, schema, slice_rates=rates)
        model.compile("adam", metrics=["accuracy"])
        model.fit(dataset, epochs=10)
    """

    schema: SliceSchema

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int = 2,
        *,
        units: int | None = None,
        rank: int | None = None,
        activation: Any = None,
        recipe: str | Recipe | Mapping[str, Any] = "default",
        slice_rates: npt.ArrayLike | None = None,
        form: str = "auto",
        **kwargs: Any,
    ) -> None:
        if schema is None:
            raise TypeError(
                "`schema` must be a `SliceSchema`, because it says which "
                "slices there are. Received: schema=None"
            )
        super().__init__(backbone, schema, num_classes, **kwargs)
        self.units, self.rank, self.activation = units, rank, activation
        self.recipe = recipe_of(recipe)
        rates = check_rates(slice_rates, schema.num_slices)
        self.slice_rates = None if rates is None else tuple(rates.tolist())
        self.form = form
        slices = enumerate(schema.slices)
        monitor_only = tuple(i for i, one in slices if one.monitor_only)
        self.module = self._make_module(monitor_only)
        self._slice_aware_loss = SliceAwareLoss(
            self.recipe, schema.num_slices, rates, monitor_only
        )
        self._part_means = [keras.metrics.Mean(name) for name in PARTS]
        self.build_from_backbone()

    def _make_module(self, monitor_only: Sequence[int]) -> SliceModule:
        return SliceResidualAttention(
            self.num_slices,
            self.num_classes,
            self.units,
            monitor_only=monitor_only,
            indicator_dropout=self.recipe.indicator_dropout,
            rank=self.rank,
            activation=self.activation,
            form=self.form,
            **self._attention(),
            dtype=self.dtype_policy,
            name="slice_residual_attention",
        )

    def _attention(self) -> dict[str, Any]:
        """Returns what a recipe says of the attention."""
        fixed = self.recipe.base_indicator == "zero"
        return {
            "base_indicator": "zero" if fixed else "learned",
            "temperature": self.recipe.temperature,
        }

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
        return indicator_logits - self._slice_aware_loss.indicator_offsets

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
            `probabilities` `[batch, classes]`, `class_ids` `[batch]`,
            `slice_probabilities` `[batch, slices]`, `attention`
            `[batch, slices + 1]`, `logits`, and `contributions`
            `[batch, slices + 1, logits]`: what each slice's expert adds to
            the logits, the base slice last; they sum to `logits`.
        """
        z = self.represent(features, training=False)
        outputs = self.module(z, explain=True)
        logits = outputs["logits"]
        return {
            "probabilities": class_probabilities(logits),
            "class_ids": class_ids(logits),
            "slice_probabilities": self.slice_probabilities(
                outputs["indicator_logits"]
            ),
            "attention": outputs["attention"],
            "logits": logits,
            "contributions": outputs["contributions"],
        }

    @property
    def can_fold(self) -> bool:
        """Whether `fold` is possible: experts are linear."""
        return self.module.is_linear

    def fold(self) -> "SliceAwareModel":
        """Returns the model with all linear maps of slices multiplied out.

        It shares the backbone, predicts the same up to rounding, and costs
        little more than a model without slices; see `FoldedSliceAwareModel`.

        Raises:
            ValueError: If the model has no weights yet, or its experts are
                not linear.
        """
        from slice_tf.models.folded_slice_aware_model import (
            FoldedSliceAwareModel,
        )

        return FoldedSliceAwareModel.of(self)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "rank": self.rank,
            "activation": self.activation,
            "recipe": asdict(self.recipe),
            "slice_rates": self.slice_rates,
            "form": self.form,
        }
