"""Roots of increasing functions, many at once, without their slopes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxprune.theory.ranges import Array


def increasing(function: Callable[[Array], Array], low: Array, high: Array, tolerance: float = 1e-14) -> Array:
    """The x where ``function(x) = 0``, elementwise, by Chandrupatla's method; the bracket widens until it holds the root.

    Inverse quadratic steps where they can be trusted, else bisection, until the bracket is ``tolerance`` (1 + |x|) wide.
    """
    low, high = np.array(low, float), np.array(high, float)
    f_low, f_high = function(low), function(high)
    for _ in range(60):
        if not np.any((f_low > 0) | (f_high < 0)):
            break
        wide = high - low
        low, high = np.where(f_low > 0, low - 2 * wide, low), np.where(f_high < 0, high + 2 * wide, high)
        f_low, f_high = function(low), function(high)
    return _chandrupatla(function, (low, f_low), (high, f_high), tolerance)


def _chandrupatla(function, end, newest, tolerance):
    (a, fa), (b, fb) = newest, end
    c, fc, where = a, fa, np.full(a.shape, 0.5)
    for _ in range(120):
        x = a + where * (b - a)
        f = function(x)
        same = np.sign(f) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, f
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        room = tolerance * (1 + np.abs(best)) / np.maximum(np.abs(b - a), 1e-300)
        if np.all((room > 0.5) | (fa == 0) | (fb == 0)):
            break
        with np.errstate(all="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            inner = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        trusted = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(inner)
        where = np.clip(np.where(trusted, inner, 0.5), np.minimum(room, 0.5), np.maximum(1 - room, 0.5))
    return np.where(np.abs(fa) < np.abs(fb), a, b)
