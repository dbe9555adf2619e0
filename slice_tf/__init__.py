"""Slice-based learning for TensorFlow, Keras and Apache Beam.

Write slicing functions, apply them offline with Beam, train a model that
spends capacity on the slices they name, and serve it without them. Importing
this package loads neither TensorFlow nor Keras: each public name is looked up
in its room when it is first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Row": "slice_tf.slicing",
    "Slice": "slice_tf.schema",
    "SliceAwareModel": "slice_tf.models",
    "SliceResidualAttention": "slice_tf.layers",
    "SliceSchema": "slice_tf.schema",
    "SlicingFunction": "slice_tf.slicing",
    "VanillaModel": "slice_tf.models",
    "slicing_function": "slice_tf.slicing",
}

__all__ = [
    "Row",
    "Slice",
    "SliceAwareModel",
    "SliceResidualAttention",
    "SliceSchema",
    "SlicingFunction",
    "VanillaModel",
    "__version__",
    "slicing_function",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'slice_tf' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
