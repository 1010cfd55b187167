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


def solve(residual: Residual, low: Array, high: Array, start: Array) -> Array:
    """Roots of an increasing ``residual(x, which)``, values and slopes for the entries ``which`` (a mask).

    The bracket widens until it holds the root; Newton steps that leave it become bisections.
    """
    low, high, root = low.copy(), high.copy(), np.clip(start, low, high)
    every = np.ones(root.shape, bool)
    for _ in range(60):
        wide = high - low
        below, above = residual(low, every)[0] > 0, residual(high, every)[0] < 0
        if not np.any(below | above):
            break
        low, high = np.where(below, low - 2 * wide, low), np.where(above, high + 2 * wide, high)
    active = every.copy()
    for _ in range(100):
        x = root[active]
        value, slope = residual(x, active)
        low[active], high[active] = np.where(value < 0, x, low[active]), np.where(value < 0, high[active], x)
        with np.errstate(all="ignore"):
            newton = x - value / slope
        inside = (newton > low[active]) & (newton < high[active])
        step = np.where(inside, newton, 0.5 * (low[active] + high[active]))
        root[active] = step
        # The residual is known to round-off only: the last steps would wander.
        active[active] = np.abs(step - x) > 1e-15 * (1 + np.abs(x))
        if not np.any(active):
            break
    return root
