"""Public Beam transforms, one a file."""

from slice_tf_beam.transforms.apply_slicing_functions import (
    ApplySlicingFunctions,
)
from slice_tf_beam.transforms.evaluate_slices import EvaluateSlices

__all__ = ["ApplySlicingFunctions", "EvaluateSlices"]
