"""Backbones: what turns raw features into `z`, of shape `[batch, dim]`.

Any Keras model is one. Here are those that take more than a few layers: a
module of TensorFlow Hub, text from strings on, images from their bytes on.
Importing this package loads neither TensorFlow nor Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def import_layers() -> None:
    """Imports all layers, so that Keras can load models that hold them."""
    for name in __all__:
        __getattr__(name)
