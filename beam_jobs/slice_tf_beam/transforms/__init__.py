"""Public Beam transforms, one a file."""

from slice_tf_beam.transforms.apply_slicing_functions import (
    ApplySlicingFunctions,
)

__all__ = ["ApplySlicingFunctions"]
