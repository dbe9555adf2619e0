"""From a model's errors to the next slicing function.

A slicer finds groups of examples that a model gets wrong more often than is
usual; all have scikit-learn's methods. `discover` measures what is found on
rows that did not help to find it, and `accept` writes it as a slicing
function. Names are looked up when used: what a slicing function loads,
`slice_tf.discovery.regions`, needs NumPy alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
