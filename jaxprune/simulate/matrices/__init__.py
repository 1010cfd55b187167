"""Matrices with heavy-tailed entries: draws, what lies beyond the largest entries, norms, and what they do to a vector."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
