"""Roots of increasing functions, many at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxprune.theory.ranges import Array


def increasing(function: Callable[[Array], Array], target: Array, low: Array, high: Array) -> Array:
    """The x between ``low`` and ``high`` where ``function(x) = target``, elementwise, to round-off.

    Secant steps inside a bracket that every step tightens, halved where the secant has not halved it.
    """
    low, high = np.array(low, float), np.array(high, float)
    f_low, f_high = function(low) - target, function(high) - target
    x = 0.5 * (low + high)
    for step in range(200):
        f = function(x) - target
        above = f > 0
        width = high - low
        low, f_low = np.where(above, low, x), np.where(above, f_low, f)
        high, f_high = np.where(above, x, high), np.where(above, f, f_high)
        if np.all((high - low <= 4e-16 * np.maximum(np.abs(low), np.abs(high))) | (f == 0)):
            break
        with np.errstate(all="ignore"):
            secant = low - f_low * (high - low) / (f_high - f_low)
        margin = 1e-3 * (high - low) if step % 3 else 0.0
        inside = np.isfinite(secant) & (secant > low) & (secant < high) & (high - low <= 0.5 * width)
        x = np.where(inside, np.clip(secant, low + margin, high - margin), 0.5 * (low + high))
    return x
