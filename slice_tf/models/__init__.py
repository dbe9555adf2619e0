"""Models: slice-aware, vanilla, and a backbone to start with."""

from slice_tf.models.folded_slice_aware_model import FoldedSliceAwareModel
from slice_tf.models.mlp import build_mlp
from slice_tf.models.resize import add_slices, remove_slices
from slice_tf.models.slice_aware_model import SliceAwareModel
from slice_tf.models.vanilla_model import VanillaModel

__all__ = [
    "FoldedSliceAwareModel",
    "SliceAwareModel",
    "VanillaModel",
    "add_slices",
    "build_mlp",
    "remove_slices",
]
