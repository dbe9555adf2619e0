"""Results as pages and pictures.

A page needs nothing beside slice-tf. Pictures need the extra `report`, which
is why they are looked up only when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
