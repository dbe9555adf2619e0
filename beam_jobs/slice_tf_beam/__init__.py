"""Slicing functions over TFRecords, on Apache Beam.

Importing this package does not import Beam: each public name is looked up
when it is first used, so that a program checks its flags before it waits.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slice_tf.slicing import SliceSummary
    from slice_tf_beam.evaluation_job import evaluate_predictions
    from slice_tf_beam.predictions import PredictionFeatures, PredictionSpec
    from slice_tf_beam.shard_job import apply_slicing_functions
    from slice_tf_beam.summary import Summary
    from slice_tf_beam.transforms import ApplySlicingFunctions, EvaluateSlices

_HOME = {
    "ApplySlicingFunctions": "slice_tf_beam.transforms",
    "SliceSummary": "slice_tf.slicing",
    "EvaluateSlices": "slice_tf_beam.transforms",
    "PredictionFeatures": "slice_tf_beam.predictions",
    "PredictionSpec": "slice_tf_beam.predictions",
    "Summary": "slice_tf_beam.summary",
    "apply_slicing_functions": "slice_tf_beam.shard_job",
    "evaluate_predictions": "slice_tf_beam.evaluation_job",
}

__all__ = [
    "ApplySlicingFunctions",
    "EvaluateSlices",
    "PredictionFeatures",
    "PredictionSpec",
    "SliceSummary",
    "Summary",
    "apply_slicing_functions",
    "evaluate_predictions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf_beam' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
