"""From a trained model to a SavedModel that needs TensorFlow alone.

Importing this package loads neither TensorFlow nor Keras, so that a client may
read the names in `slice_tf.export.signatures`.
"""

import importlib
from typing import Any

_HOME = {
    "check_operations": "slice_tf.export.check",
    "check_saved_model": "slice_tf.export.check",
    "export_saved_model": "slice_tf.export.saved_model",
}

__all__ = ["check_operations", "check_saved_model", "export_saved_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.export' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
