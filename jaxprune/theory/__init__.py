"""Theory in NumPy and SciPy, float64 only: it shares no array library, precision or helper with the simulation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
