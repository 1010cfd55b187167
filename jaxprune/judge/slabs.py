"""Samples by parts that fit in memory: every point with all of its seeds, and with all rungs of its ladder."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

BYTES = 2**26  # of one part; judging it takes some ten times as much


def places(values: xr.DataArray, whole: Sequence[str]) -> list[tuple[slice, ...]]:
    """Where the parts of ``values`` (seed, ...) stand, behind its first dimension; axes named ``whole`` are not divided, and of
    the others the first go first: samples that are read as they are used lie in this order."""
    left, cuts = -(-values.size * 8 // BYTES), []
    for name in values.dims[1:]:
        size = values.sizes[name]
        count = 1 if name in whole else min(size, left)
        left = -(-left // max(count, 1))
        step = -(-size // max(count, 1))
        cuts.append([slice(start, start + step) for start in range(0, size, step)])
    return list(itertools.product(*cuts))


def finite(values: xr.DataArray) -> np.ndarray:
    """In memory, in double precision, NaN for what is not finite."""
    found = np.array(values.values, float)
    found[~np.isfinite(found)] = np.nan
    return found


def joined(shape: tuple[int, ...], at: Sequence[tuple[slice, ...]], parts: Iterable[tuple[Any, ...]]) -> list[np.ndarray]:
    """The arrays whose parts these are."""
    found = []
    for pieces in zip(*parts, strict=True):
        array = np.empty(shape, np.result_type(*pieces))
        for place, piece in zip(at, pieces, strict=True):
            array[place] = piece
        found.append(array)
    return found
