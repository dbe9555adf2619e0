"""The slice-aware model for serving."""

from collections.abc import Sequence

import keras

from slice_tf.layers.folded_slice_residual_attention import (
    FoldedSliceResidualAttention,
)
from slice_tf.layers.slice_module import SliceModule
from slice_tf.models.slice_aware_model import SliceAwareModel


@keras.saving.register_keras_serializable(package="slice_tf")
class FoldedSliceAwareModel(SliceAwareModel):
    """A slice-aware model whose slices cost one matrix product.

    `SliceAwareModel.fold` makes it. It predicts, explains, evaluates, saves
    and loads like the model it was made of; its slices do not train, as
    `FoldedSliceResidualAttention` says.

    Args:
        backbone: As of `SliceAwareModel`, and so are all others; `units`,
            `rank`, `activation` and `form` have no meaning here.
    """

    def _make_module(self, monitor_only: Sequence[int]) -> SliceModule:
        return FoldedSliceResidualAttention(
            self.num_slices,
            self.num_classes,
            monitor_only=monitor_only,
            **self._attention(),
            name="slice_residual_attention",
        )

    @classmethod
    def of(cls, model: SliceAwareModel) -> "FoldedSliceAwareModel":
        """Returns a model with the folded weights of another.

        Raises:
            ValueError: If the other has no weights yet.
        """
        folded = cls(
            model.backbone,
            model.schema,
            model.num_classes,
            units=model.units,
            recipe=model.recipe,
            slice_rates=model.slice_rates,
            dtype=model.dtype_policy,
            name=model.name,
        )
        module = model.module.fold()
        if not folded.module.built:  # The backbone does not say its width.
            folded.module.build((None, module.kernel.shape[0]))
        folded.module.set_weights(module.get_weights())
        folded._feature_specs = model._feature_specs
        folded.built = True
        return folded

    def fold(self) -> SliceAwareModel:
        return self
