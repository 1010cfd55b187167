"""Roots of increasing functions, many at once: by safeguarded Newton steps, or from a bracket where there are no slopes."""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise

Array = NDArray[np.float64]
Residual = Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]]


def bracketed(function: Callable[..., Array], low: Array, high: Array, *others: ArrayLike, tolerance: float = 1e-14) -> Array:
    """The x where ``function(x, *others) = 0``, to ``tolerance`` (1 + |x|), from brackets that widen as needed."""
    bracket = elementwise.bracket_root(function, low, high, args=others).bracket
    found: Any = elementwise.find_root(function, bracket, args=others, tolerances=dict(xatol=tolerance, xrtol=tolerance))
    return found.x


def newton(residual: Residual, start: Array, width: float) -> Array:
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
