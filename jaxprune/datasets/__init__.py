"""Real data from local files, and the set bundled with scikit-learn. Nothing is downloaded.

Every set comes as inputs (samples, ...) and one-hot labels (samples, classes), training and test files one after
the other: an experiment draws its own training set.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
