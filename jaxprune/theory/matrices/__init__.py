"""Matrices with heavy-tailed entries: how many of them carry it, its norm, its action, and how it is sketched."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
