"""Risks of dense, pruned and retrained least squares: exact where expectations exist, else limits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
