"""What a theory returns where an average over draws stands for an integral."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Estimate(NamedTuple):
    """A mean over draws and its standard error, of one shape."""

    value: NDArray[np.float64] | float
    error: NDArray[np.float64] | float
