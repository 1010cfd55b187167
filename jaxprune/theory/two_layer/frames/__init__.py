"""Frames of unit vectors, rows of (M, d): constructions, each checked, and measures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
