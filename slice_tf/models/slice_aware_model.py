"""The slice-aware model."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from slice_tf.layers.slice_residual_attention import SliceResidualAttention
from slice_tf.models.folded_slice_aware_model import FoldedSliceAwareModel
from slice_tf.models.sliced_model import SlicedModel
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceAwareModel(SlicedModel):
    """A backbone and a slice-residual-attention module, trained as one.

    It is a plain Keras model: `compile`, `fit`, `evaluate`, `predict`, `save`
    and `keras.models.load_model` work as ever. Predicting needs features
    alone.

    Training reads targets from a dict of `label`, `membership` (0 or 1,
    `[batch, slices]`) and, optionally, `known` (the same shape, 0 where a
    slicing function failed; such a cell has no influence). By task, `label` is

    - `classification`: integers `[batch]`, or probabilities `[batch,
      classes]`;
    - `multi_label`: `[batch, labels]`, 1 where a label applies and 0 where
      not, or the probability that it does;
    - `regression`: numbers `[batch]`, best of mean 0 and variance 1, so that
      their squared error and the indicators' losses are of one size.

    Logs hold `loss`, its three parts and, a number a slice,
    `accuracy/<slice>` (several labels are right where all are) or
    `rmse/<slice>`.

    Args:
        backbone: A Keras model from a dict of features to `z`, of shape
            `[batch, dim]`; or to a dict of `z` and `indicator_features`, a
            second tensor `[batch, width]` that indicators read instead.
        schema: The slices, in the order of the slice axis; may be none.
            Slices that are `monitor_only` get an indicator but no expert and
            no extra weight.
        num_classes: Number of classes, or of labels of a multi-label task;
            left out where a number is predicted. 2 classes are a binary task
            with one logit.
        task: `"classification"`: an example is of one class;
            `"multi_label"`: each label applies or not; `"regression"`: a
            number is predicted.
        units: Width of each expert; `None` takes the width of `z`.
        rank: Rank of each expert's matrix, such as 8: fewer weights and a
            cheaper step of the optimizer; `None` leaves it full.
        activation: Name of an activation of the experts; `None` leaves them
            linear, as in the paper. Others cannot be folded.
        recipe: `"default"`, `"paper"` (section 3.2) or a `Recipe`.
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

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int | None = None,
        *,
        units: int | None = None,
        rank: int | None = None,
        activation: Any = None,
        form: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, **kwargs)
        self.units, self.rank, self.activation = units, rank, activation
        self.form = form
        self.module = SliceResidualAttention(
            units=units,
            rank=rank,
            activation=activation,
            form=form,
            indicator_dropout=self.recipe.indicator_dropout,
            **self.module_arguments(),
            dtype=self.dtype_policy,
        )
        self.steps: Any = None  # Made so far; counted where there is warm-up.
        if self.recipe.warmup_steps:
            self.steps = self.add_weight(
                shape=(),
                initializer="zeros",
                dtype="int32",
                trainable=False,
                aggregation="only_first_replica",
                name="steps",
            )
        self.build_from_backbone()

    def parts_in_training(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        if self.steps is None:
            return dict(parts)
        begun = ops.cast(self.steps >= self.recipe.warmup_steps, "float32")
        self.steps.assign_add(1)
        return {**parts, "base_loss": begun * parts["base_loss"]}

    def fold(self) -> FoldedSliceAwareModel:
        """Returns the model with all linear maps of slices multiplied out.

        It shares the backbone, predicts the same up to rounding, and costs
        little more than a model without slices; see `FoldedSliceAwareModel`.

        Raises:
            ValueError: If the model has no weights yet, or its experts are
                not linear.
        """
        return FoldedSliceAwareModel.of(self)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "rank": self.rank,
            "activation": self.activation,
            "form": self.form,
        }
