"""Slicing functions over TFRecords, on Apache Beam.

Importing this package does not import Beam: each public name is looked up
when it is first used, so that a program checks its flags before it waits.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
