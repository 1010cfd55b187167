"""Bounds put to the test: classifiers with few weights, coverage of bounds, and how stable networks are to noise."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
