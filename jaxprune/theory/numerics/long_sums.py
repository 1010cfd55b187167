"""Sums over whole numbers m of terms that are smooth in m but for kinks, at a cost that hardly grows with their number.

Beside a kink every term is taken. Away from it come panels of 2^k whole numbers, no longer than their distance to a kink, by
the Gauss rule for sums over equidistant points (discrete Chebyshev polynomials), exact for polynomials of degree 31.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

Array = NDArray[np.float64]
Terms = Callable[[Array], Array]
ROWS = 100_000
SHORT = 2000.0  # a sum of which every term is taken
NODES = 16
SMALLEST = 128.0  # panel, and part 2^-50 of the place where a kink lies: closer to it, nothing can be told apart


def every_term(terms: Terms, first: float, stop: float, rows: int = ROWS) -> float:
    """Sum of ``terms(m)`` over whole first <= m < stop, all of them, ``rows`` at a time."""
    return float(sum(np.sum(terms(np.arange(m, min(m + rows, stop)))) for m in np.arange(first, stop, rows)))


def long_sum(terms: Terms, first: float, stop: float, kink: tuple[float, ...], longest: float) -> float:
    """Sum of ``terms(m)`` over whole first <= m < stop, smooth where the real part of m is that of no ``kink``.

    Over ``longest`` the terms may change by a factor of a few thousand. Costs some 16 log2(stop) terms a kink and 16
    (stop - first)/longest more; nothing is saved of 2000 terms or fewer. ``terms`` also gets m between whole numbers.
    """
    if stop - first <= SHORT:
        return every_term(terms, first, stop)
    nodes, weights = [], []
    while first < stop:
        room = min([longest, *(first - k if k <= first else (k - first) / 2 for k in kink)])
        size = 2.0 ** np.floor(np.log2(max(min(room, stop - first), SMALLEST, first * 2.0**-50)))
        if size > SMALLEST:
            points, shares = _gauss(size)
        else:
            size = min(size, stop - first)
            points, shares = np.arange(size), np.ones(int(size))
        nodes.append(first + points)
        weights.append(shares)
        first += size
    return float(np.concatenate(weights) @ terms(np.concatenate(nodes)))


@lru_cache(maxsize=1024)
def _gauss(size: float) -> tuple[Array, Array]:
    """Nodes and weights of the sum over 0, 1, ..., size - 1."""
    k = np.arange(1.0, NODES)
    nodes, vectors = eigh_tridiagonal(np.zeros(NODES), 0.5 * k * np.sqrt((1 - (k / size) ** 2) / (4 * k**2 - 1)))
    return (size - 1) / 2 + size * nodes, size * vectors[0] ** 2
