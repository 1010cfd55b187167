"""Draws as arrays (seeds, ...), from whatever they were handed over as."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def drawn(name: str, samples: ArrayLike | xr.DataArray) -> Array:
    """Of what has names the dimension ``seed`` comes first; of a plain array the first axis is the seeds.

    Raises ValueError, with the ``name`` of the argument, where there is no such axis, where a seed stands twice, and for what
    are no real numbers.
    """
    if isinstance(samples, xr.DataArray):
        if "seed" not in samples.dims:
            raise ValueError(f"{name}: no dimension 'seed' among {samples.dims}; pass the values of every seed")
        if "seed" in samples.indexes and not samples.indexes["seed"].is_unique:
            raise ValueError(f"{name}: a seed stands there more than once; number different draws apart")
        samples = samples.transpose("seed", ...)
    values = np.asarray(samples)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name}: {values.dtype} is not the type of real numbers")
    if values.ndim == 0:
        raise ValueError(f"{name}: a single number; pass (seeds,) or (seeds, ...) numbers")
    return values.astype(float)
