"""Publishes, serves and calls exported models, as TensorFlow Serving does.

Importing this package does not load TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
