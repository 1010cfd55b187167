"""Tail indices of samples: estimators, what each needs to be valid, and a report of them all."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
