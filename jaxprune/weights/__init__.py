"""A user's own network: its layers from a file or a tree, and what is heavy-tailed, compressible and bounded in them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
