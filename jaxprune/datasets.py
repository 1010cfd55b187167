"""Real data: the set bundled with scikit-learn."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def digits() -> tuple[Array, Array]:
    """The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn, no download.

    Returns pixels (1797, 64) scaled to norm about 1 and one-hot labels (1797, 10).
    Raises ImportError, with the cure, where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'jaxprune[data]'") from error
    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels, float) / 16 / np.sqrt(pixels.shape[1] / 4), np.eye(10)[labels]
