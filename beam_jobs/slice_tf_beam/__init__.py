"""Slicing functions over TFRecords, on Apache Beam.

Importing this package does not import Beam: each public name is looked up
when it is first used, so that a program checks its flags before it waits.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slice_tf_beam.shard_job import apply_slicing_functions
    from slice_tf_beam.summary import Summary
    from slice_tf_beam.transforms import ApplySlicingFunctions

_HOME = {
    "ApplySlicingFunctions": "slice_tf_beam.transforms",
    "Summary": "slice_tf_beam.summary",
    "apply_slicing_functions": "slice_tf_beam.shard_job",
}

__all__ = [
    "ApplySlicingFunctions",
    "Summary",
    "apply_slicing_functions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf_beam' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
