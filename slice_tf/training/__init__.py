"""Training: fit, the loop for many devices, and a trained model's directory.

Each public name is looked up when it is first used: reading a config loads
neither TensorFlow nor Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
