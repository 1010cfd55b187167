"""Stochastic gradient descent: networks under injected noise, and linear regression with its own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
