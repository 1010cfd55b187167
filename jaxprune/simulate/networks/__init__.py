"""Networks that share one program over all widths: training, pruning, double descent."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
