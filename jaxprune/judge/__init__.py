"""The only judge: samples against predictions, as deviates and gaps, and what the tests could not have seen."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
