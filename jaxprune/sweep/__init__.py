"""Run a trial over a grid and many seeds, on any executor, into a store that survives a kill."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
