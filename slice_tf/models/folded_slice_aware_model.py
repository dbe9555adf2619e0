"""The slice-aware model for serving."""

from typing import Any

import keras

from slice_tf.layers.folded_slice_residual_attention import (
    FoldedSliceResidualAttention,
)
from slice_tf.models.sliced_model import SlicedModel
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class FoldedSliceAwareModel(SlicedModel):
    """A slice-aware model whose slices cost one matrix product.

    `SliceAwareModel.fold` makes it. It predicts, explains, evaluates, saves
    and loads like the model it was made of; its slices do not train, as
    `FoldedSliceResidualAttention` says.

    Args:
        backbone: As of `SliceAwareModel`, and so are all others.
        schema: The slices.
        num_classes: Number of classes or labels.
    """

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, schema, num_classes, **kwargs)
        self.module = FoldedSliceResidualAttention(**self.module_arguments())
        self.build_from_backbone()

    @classmethod
    def of(cls, model: SlicedModel) -> "FoldedSliceAwareModel":
        """Returns a model with the folded weights of another.

        Raises:
            ValueError: If the other has no weights yet.
        """
        folded = cls(
            model.backbone,
            model.schema,
            model.num_classes,
            task=model.task,
            recipe=model.recipe,
            slice_rates=model.slice_rates,
            dtype=model.dtype_policy,
            name=model.name,
        )
        module: Any = model.module.fold()
        if not folded.module.built:  # The backbone does not say its width.
            dim = module.kernel.shape[0]
            folded.module.build((None, dim), module.indicator_features_shape)
        folded.module.set_weights(module.get_weights())
        folded.feature_specs = model.feature_specs
        folded.built = True
        return folded

    def fold(self) -> SlicedModel:
        """Returns itself."""
        return self
