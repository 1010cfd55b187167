"""Compression of heavy-tailed vectors and layers: limits, laws at finite size, required widths."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
