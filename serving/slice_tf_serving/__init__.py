"""Publishes, serves and calls exported models, as TensorFlow Serving does.

Importing this package does not load TensorFlow.
"""

import importlib
from typing import Any

# At once, because the function would else be hidden by its own module.
from slice_tf_serving.publish import publish, rollback

_HOME = {
    "AsyncClient": "slice_tf_serving.async_client",
    "Client": "slice_tf_serving.client",
    "ModelServer": "slice_tf_serving.server",
    "Workers": "slice_tf_serving.workers",
    "write_warmup": "slice_tf_serving.warmup",
}

__all__ = [
    "AsyncClient",
    "Client",
    "ModelServer",
    "Workers",
    "publish",
    "rollback",
    "write_warmup",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf_serving' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
