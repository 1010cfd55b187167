"""Sums and integrals behind the scales of linear Euler schemes, dX = -rate X dt + dL; x = rate * step_size.

In the strong error the kernel exp(-w) - (1 - x)^m changes sign inside a step: with E = exp(-m x), G = (1 - x)^m and
w* = log(E/|G|), it is E exp(-w) -+ |G| = |G| (exp(w* - w) -+ 1), so powers are taken of expm1, and Gauss-Jacobi nodes start
at the zero w*. Sections are those of our notes on Wan et al. 2023.
Terms that are round-off of the sum are left out: with x fixed a million steps cost no more than a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

Array = NDArray[np.float64]
NEGLIGIBLE = 45.0  # exponent
ROWS = 100_000


def strong_error_sum(alpha: float, x: float, steps: float) -> float:
    """What it predicts: the sum over m < steps of the integral over 0 < v < 1 of |exp(-x (m + v)) - (1 - x)^m|^alpha dv.

    Regime: exact. Source: section 2.4b. Test: tests/theory/test_ornstein_uhlenbeck.py.
    """
    if x == 0:
        return 0.0
    log_g = np.log(abs(1 - x)) if x > 0.5 and x != 1 else np.log1p(-x) if x != 1 else -np.inf
    rate = min(x, -log_g)
    last = steps if rate <= 0 else min(steps, 2 + np.ceil(NEGLIGIBLE / (alpha * rate)))
    # Where exp(-m x) has died out but |1 - x|^m has not, the sum is geometric.
    lone = min(last, 2 + np.ceil(NEGLIGIBLE / (log_g + x))) if log_g + x > 0 else last
    total = sum(_strong_rows(alpha, x, log_g, m, min(m + ROWS, lone)) for m in np.arange(0, lone, ROWS))
    if lone < last:
        with np.errstate(over="ignore"):
            power = alpha * log_g
            total += np.exp(power * lone) * ((last - lone) if power == 0 else np.expm1(power * (last - lone)) / np.expm1(power))
    return float(total)


def two_grid_sum(alpha: float, x: float, steps: float, ratio: float) -> float:
    """What it predicts: the sum over m < steps and the mean over j < r of |(1 - x/r)^(m r + j) - (1 - x)^m|^alpha.

    Regime: exact. Source: section 2.4b. Test: tests/theory/test_ornstein_uhlenbeck.py.
    """
    if x == 0 or ratio == 1:
        return 0.0
    with np.errstate(divide="ignore"):
        slowest = -max(np.log(abs(1 - x)), ratio * np.log(abs(1 - x / ratio))) if x > 0.5 else -ratio * np.log1p(-x / ratio)
    last = steps if slowest <= 0 else min(steps, 2 + np.ceil(NEGLIGIBLE / (alpha * slowest)))
    rows = max(1, int(10 * ROWS / ratio))
    j = np.arange(ratio)
    return float(
        sum(_grid_rows(alpha, x, ratio, np.arange(m, min(m + rows, last))[:, None], j) for m in np.arange(0, last, rows))
    )


def leading_integral(alpha: float, end: float) -> float:
    """What it predicts: the mean over 0 < p < ``end`` of exp(-2 alpha p) times the integral over 0 < v < 1 of |p - v|^alpha.

    Equation: the inner one is (p^(1+alpha) + sign(1 - p) |1 - p|^(1+alpha))/(1 + alpha). Regime: exact.
    Source: section 2.4b. Test: tests/theory/test_ornstein_uhlenbeck.py.
    """
    if end == 0:
        return 1 / (1 + alpha)
    stop = min(end, 2 + NEGLIGIBLE / (2 * alpha))
    graded = 4.0 ** -np.arange(0, 16.0)
    edges = np.concatenate(
        [[0.0], graded / 2, 1 - graded / 2, [1.0], 1 + graded, 2 + np.arange(0, stop, 1 + 1 / alpha), [stop]]
    )
    edges = np.unique(edges[edges <= stop])
    x, weights = np.polynomial.legendre.leggauss(24)
    half = 0.5 * np.diff(edges)[:, None]
    p = edges[:-1, None] + half * (1 + x)
    inner = p ** (1 + alpha) + np.sign(1 - p) * np.abs(1 - p) ** (1 + alpha)
    far = p > 1.5
    safe = np.where(far, p, 2.0)
    inner = np.where(far, -(safe ** (1 + alpha)) * np.expm1((1 + alpha) * np.log1p(-1 / safe)), inner)
    return float(np.sum(half * weights * np.exp(-2 * alpha * p) * inner) / (1 + alpha) / end)


def chaos_sum(alpha: float, x: float, y: float, steps: float) -> float:
    """What it predicts: the sum over m < steps of |(1 - x)^m - (1 - x - y)^m|^alpha.

    Regime: exact. Source: section 2.4d. Test: tests/theory/test_mean_field.py.
    """
    if y == 0:
        return 0.0
    rate = -float(max(log_factor(x), log_factor(x + y)))
    last = steps if rate <= 0 else min(steps, 2 + np.ceil(NEGLIGIBLE / (alpha * rate)))
    total = 0.0
    for first in np.arange(0, last, ROWS):
        total += _chaos_rows(alpha, x, y, np.arange(first, min(first + ROWS, last)))
    return float(total)


def scaled_root(scale: Any, total: Any, alpha: Any) -> Any:
    """scale total^(1/alpha); infinite beyond the floats, 0 for scale = 0 whatever the total."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(scale == 0, 0.0, scale * total ** (1 / alpha))


def log_factor(x: Any) -> Any:
    """log|1 - x|, accurate near x = 0 and x = 2."""
    x = np.asarray(x, float)
    with np.errstate(divide="ignore"):
        return np.where(x < 1, np.log1p(-np.minimum(x, 1.0)), np.log1p(np.maximum(x, 1.0) - 2))


def geometric_sum(log_ratio: Any, count: Any) -> Any:
    """Sum of exp(log_ratio m) over m < count, accurate near log_ratio = 0."""
    small = log_ratio == 0
    safe = np.where(small, -1.0, log_ratio)
    with np.errstate(over="ignore"):
        return np.where(small, count, np.expm1(safe * count) / np.expm1(safe))


def excess_log(x: float) -> float:
    """-(log|1 - x| + x), about x^2/2, without cancellation."""
    if x < 0.3:
        k = np.arange(2, 40)
        return float(np.sum((x**k / k)[::-1]))
    with np.errstate(divide="ignore"):
        return float(-(np.log(abs(1 - x)) + x))


def _strong_rows(alpha, x, log_g, first, stop):
    """Sum over first <= m < stop of the integrals, over w = x v in (0, x)."""
    m = np.arange(first, stop)
    zero = np.where(m > 0, np.maximum(m, 1.0) * excess_log(x), 0.0)
    odd = (m % 2 == 1) & (x > 1)
    near, above = ~odd & (np.abs(zero) <= 3 * x), (zero > 0)
    count = 14 if x < 0.5 else 40
    total = 0.0
    if np.any(near):
        z = zero[near]
        pieces = _from_zero(x - z, alpha, count) - _from_zero(-z, alpha, count)
        with np.errstate(invalid="ignore"):
            total += np.sum(np.exp(alpha * np.where(m[near] > 0, m[near] * log_g, 0.0)) * pieces)
    t, weights = np.polynomial.legendre.leggauss(count)
    w, weights = 0.5 * x * (1 + t), 0.5 * x * weights
    for here, larger in ((~near & above, True), (~near & ~above, False)):
        if not np.any(here):
            continue
        # |E exp(-w) -+ G| with the larger of the two taken out of the bracket.
        lag = (w - zero[here, None]) if larger else (zero[here, None] - w)
        bracket = np.where(odd[here, None], 1 + np.exp(lag), -np.expm1(lag)) ** alpha
        front = np.exp(-alpha * (m[here, None] * x + w)) if larger else np.exp(alpha * m[here, None] * log_g)
        total += np.sum((bracket * front) @ weights)
    return total / x


def _from_zero(z, alpha, count):
    """Integral over 0 < y < z of |1 - exp(-y)|^alpha dy, negative for z < 0."""
    t, weights = roots_jacobi(count, 0.0, alpha)
    t, weights = 0.5 * (1 + t), weights * 0.5 ** (1 + alpha)
    y = z[:, None] * t
    shape = np.where(y == 0, 1.0, -np.expm1(-y) / np.where(y == 0, 1.0, y))
    return z * np.abs(z) ** alpha * (shape**alpha @ weights)


def _grid_rows(alpha, x, ratio, m, j):
    if x < 1:
        drift = excess_log(x) - ratio * excess_log(x / ratio)
        logs = m * drift + j * np.log1p(-x / ratio)
        # The larger of the two powers is taken out: next to x = 1 their quotient overflows.
        larger = m * np.log1p(-x) + np.maximum(logs, 0.0)
        return np.sum(np.exp(alpha * larger) * (-np.expm1(-np.abs(logs))) ** alpha) / ratio
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.abs((1 - x / ratio) ** (m * ratio + j) - (1.0 - x) ** m)
        return np.sum(np.where(np.isnan(gaps), np.inf, gaps) ** alpha) / ratio  # both grids overflow


def _chaos_rows(alpha, x, y, m):
    with np.errstate(over="ignore", invalid="ignore"):
        if x + y < 1 or x > 1:
            # Of one sign: the larger power is taken out.
            larger, quotient = (x, np.log1p(-y / (1 - x))) if x < 1 else (x + y, -np.log1p(y / (x - 1)))
            return np.sum(np.exp(alpha * m * log_factor(larger)) * (-np.expm1(m * quotient)) ** alpha)
        return np.sum(np.abs((1 - x) ** m - (1 - x - y) ** m) ** alpha)
