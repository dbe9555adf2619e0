"""From a trained model to a SavedModel that needs TensorFlow alone.

Importing this package loads neither TensorFlow nor Keras, so that a client may
read the names in `slice_tf.export.signatures`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
