"""Slice-based learning for TensorFlow, Keras and Apache Beam.

Write slicing functions, apply them offline with Beam, train a model that
spends capacity on the slices they name, and serve it without them. Importing
this package loads neither TensorFlow nor Keras: each public name is looked up
in its room when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
