"""From a trained model to a SavedModel that needs TensorFlow alone.

Importing this package loads neither TensorFlow nor Keras, so that a client may
read the names in `slice_tf.export.signatures`.
"""

import importlib
from typing import Any

_HOME = {
    "CSession": "slice_tf.export.c_session",
    "check_operations": "slice_tf.export.check_graph",
    "check_saved_model": "slice_tf.export.check",
    "export_hub_module": "slice_tf.export.hub_module",
    "export_saved_model": "slice_tf.export.saved_model",
    "make_probe": "slice_tf.export.probe",
}

__all__ = [
    "CSession",
    "check_operations",
    "check_saved_model",
    "export_hub_module",
    "export_saved_model",
    "make_probe",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.export' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
