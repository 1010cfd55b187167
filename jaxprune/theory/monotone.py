"""Helpers of the laws: one law per index in an array of them, and quantiles by safeguarded Newton steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Residual = Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]]


def each(function: Callable[..., Array], index: Array, *others: ArrayLike) -> Any:
    """``function(index, *others)`` for every distinct index of broadcast arrays; a float if all are scalars."""
    arrays = [np.array(a, np.float64) for a in np.broadcast_arrays(index, *others)]
    result = np.empty(arrays[0].shape)
    for value in np.unique(arrays[0]):
        here = arrays[0] == value
        result[here] = function(float(value), *(a[here] for a in arrays[1:]))
    return plain(result)


def plain(array: Any) -> Any:
    """A float of an array without axes."""
    return float(array) if np.ndim(array) == 0 else array


def solve(residual: Residual, start: Array, width: float) -> Array:
    """Roots of an increasing ``residual(x, which)``, values and slopes for the entries ``which`` (a mask).

    ``width`` is the distance over which the residual bends. Newton steps, bounded by a reach that doubles, bisection where
    they leave the bracket; a root is done when the next Newton step, quadratically smaller, would be round-off.
    """
    root, low, high = start.copy(), np.full(start.shape, -np.inf), np.full(start.shape, np.inf)
    active, reach = np.ones(root.shape, bool), 4 * width
    for _ in range(200):
        x = root[active]
        value, slope = residual(x, active)
        low[active], high[active] = np.where(value < 0, x, low[active]), np.where(value < 0, high[active], x)
        with np.errstate(all="ignore"):
            newton = value / slope
            middle = np.clip(0.5 * (low[active] + high[active]) - x, -reach, reach)
        close = newton * newton < 1e-17 * width
        step = np.where(np.isfinite(newton), np.clip(-newton, -reach, reach), np.copysign(reach, -value))
        outside = (x + step < low[active]) | (x + step > high[active])
        root[active] = x + np.where(outside & ~close, middle, step)
        active[active] = ~close & (root[active] != x)
        reach *= 2
        if not np.any(active):
            break
    return root
