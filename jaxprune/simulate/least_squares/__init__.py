"""Least squares of every width from one design; pruning, retraining, and estimates of the risk from the sample."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
