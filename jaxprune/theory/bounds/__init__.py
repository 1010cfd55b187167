"""Code lengths, and bounds of the risk that follow: Occam, PAC-Bayes, compression by noise stability, and their rivals."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
