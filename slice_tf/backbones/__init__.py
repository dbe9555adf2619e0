"""Backbones: what turns raw features into `z`, of shape `[batch, dim]`.

Any Keras model is one. Here are those that take more than a few layers: a
module of TensorFlow Hub, text from strings on, images from their bytes on.
Importing this package loads neither TensorFlow nor Keras.
"""

import importlib
from typing import Any

_HOME = {
    "BertEncoder": "slice_tf.backbones.bert",
    "DecodeImages": "slice_tf.backbones.image",
    "HubLayer": "slice_tf.backbones.hub_layer",
    "WordPieces": "slice_tf.backbones.word_pieces",
    "build_bert": "slice_tf.backbones.bert_weights",
    "build_image": "slice_tf.backbones.image",
    "build_text": "slice_tf.backbones.text",
    "load_bert": "slice_tf.backbones.bert_weights",
}

__all__ = [
    "BertEncoder",
    "DecodeImages",
    "HubLayer",
    "WordPieces",
    "build_bert",
    "build_image",
    "build_text",
    "import_layers",
    "load_bert",
]


def import_layers() -> None:
    """Imports all layers, so that Keras can load models that hold them."""
    for module in set(_HOME.values()):
        importlib.import_module(module)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.backbones' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
