"""Sums and integrals behind the scales of linear Euler schemes, dX = -rate X dt + dL; x = rate * step_size.

Every term is |a - b|^alpha of two powers, a from one scheme and b from another: the larger one is taken out, by its logarithm,
and the logarithm of their quotient, which is where digits are lost, is had without cancellation. Terms that are round-off of
the sum are left out, and once one power has died out beside the other the rest is a geometric sum. Derivations:
guide/sde.md, Long sums.
"""

from functools import lru_cache
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

Array = NDArray[np.float64]
NEGLIGIBLE = 45.0  # exponent
LARGEST = 760.0  # exponent: beyond the floats, even with a factor exp(-45)
DEAD = -1e200  # the logarithm of 0, of which multiples can be taken
BLOCK = 50_000  # numbers at a time
MOST = 30_000_000  # numbers in all: some seconds


def strong_error_sum(alpha: float, x: float, steps: float) -> float:
    """The sum over m < steps of the integral over 0 < v < 1 of |exp(-x (m + v)) - (1 - x)^m|^alpha dv.

    Regime: exact. Source: guide/sde.md, Strong error.
    """
    if x == 0:
        return 0.0
    log_g = _log_distance(x)
    last = _last(alpha, min(x, -log_g), steps)
    # Where exp(-m x) has died out but |1 - x|^m has not, the sum is geometric.
    lone = min(last, 2 + np.ceil(NEGLIGIBLE / (log_g + x))) if log_g + x > 0 else last
    nodes = 8 if x < 0.5 else 40
    total = _every_term(lambda m: _strong_terms(alpha, x, log_g, m, nodes), lone, 2 * nodes, steps, x)
    return float(total + _rest(alpha * log_g, lone, last))


def two_grid_sum(alpha: float, x: float, steps: float, ratio: float) -> float:
    """The sum over m < steps and the mean over j < r of |(1 - x/r)^(m r + j) - (1 - x)^m|^alpha.

    Regime: exact. Source: guide/sde.md, Two grids.
    """
    if x == 0 or ratio == 1:
        return 0.0
    coarse, fine, j = _log_distance(x), _log_distance(x / ratio), np.arange(ratio)
    drift = excess_log(x) - ratio * excess_log(x / ratio) if abs(x) < 0.3 else ratio * fine - coarse

    def terms(m):
        m = m[:, None]
        k = m * ratio + j
        opposite = ((k % 2 == 1) & (x > ratio)) ^ ((m % 2 == 1) & (x > 1)) if x > 1 else False
        return _power_gap(alpha, np.maximum(m * coarse, k * fine), m * drift + j * fine, opposite) / ratio

    share = float(np.mean(np.exp(alpha * j * fine))) if drift > 0 else 1.0
    return _power_sum(terms, alpha, (max(ratio * fine, coarse), drift), (steps, x), ratio, -ratio * fine, share)


def leading_integral(alpha: float, end: float) -> float:
    """The mean over 0 < p < ``end`` of exp(-2 alpha p) times the integral over 0 < v < 1 of |p - v|^alpha.

    Equation: the inner one is (p^(1+alpha) + sign(1 - p) |1 - p|^(1+alpha))/(1 + alpha). Regime: exact.
    Source: guide/sde.md, Strong error.
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
    """The sum over m < steps of |(1 - x)^m - (1 - x - y)^m|^alpha.

    Regime: exact. Source: guide/sde.md, Linear interaction.
    """
    if y == 0:
        return 0.0
    a, b = 1 - x, (1 - x) - y
    alternate = a * b < 0
    excess = (fsum((2, -y, -2 * x)) if alternate else y) * (1 if a > 0 else -1)  # |a| - |b|
    top = _log_distance(x) if excess > 0 else _log_distance(x, y)
    drift = _log_distance(abs(excess) / max(abs(a), abs(b)))

    def terms(m):
        return _power_gap(alpha, m * top, m * drift, alternate & (m % 2 == 1))

    return _power_sum(terms, alpha, (top, drift), (steps, x))


def scaled_root(scale: Any, total: Any, alpha: Any) -> Any:
    """scale total^(1/alpha); infinite beyond the floats, 0 for scale = 0 whatever the total."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(scale == 0, 0.0, scale * total ** (1 / alpha))


def log_factor(x: Any) -> Any:
    """log|1 - x|, accurate near x = 0 and x = 2."""
    x = np.asarray(x, float)
    with np.errstate(divide="ignore"):
        return np.log1p(np.where(x < 1, -x, x - 2))


def geometric_sum(log_ratio: Any, count: Any) -> Any:
    """Sum of exp(log_ratio m) over m < count, accurate near log_ratio = 0."""
    small = log_ratio == 0
    safe = np.where(small, -1.0, log_ratio)
    with np.errstate(over="ignore"):
        return np.where(small, count, np.expm1(safe * count) / np.expm1(safe))


def excess_log(x: float) -> float:
    """-(log|1 - x| + x), about x^2/2, without cancellation."""
    if abs(x) < 0.3:
        k = np.arange(2, 40)
        return float(np.sum((x**k / k)[::-1]))
    return -(_log_distance(x) + x)


def _log_distance(*parts: float) -> float:
    """log|1 - x| of a sum x, without the rounding of the sum; DEAD at x = 1."""
    total = sum(parts)
    if 0.5 < total < 1.5:
        rest = abs(fsum((1, *(-p for p in parts))))
        return float(np.log(rest)) if rest else DEAD
    return float(np.log1p(fsum((*parts, -2)) if total > 1 else -fsum(parts)))


def _power_gap(alpha, larger, quotient, opposite):
    """|a - b|^alpha from the log of the larger of |a| and |b|, the log of |a/b|, and whether the signs differ."""
    gap = -np.expm1(-np.abs(quotient))
    with np.errstate(divide="ignore", over="ignore"):
        return np.exp(alpha * (larger + np.log(np.where(opposite, 2 - gap, gap) if np.any(opposite) else gap)))


def _power_sum(terms, alpha, logs, steps, width=1.0, lag=0.0, share=1.0):
    """Sum of ``terms`` over m < steps; ``logs``: of the larger factor, and of the quotient of both. From the m at which the
    smaller power, up to ``lag``, has died out, terms are ``share`` of the larger one."""
    top, drift = logs
    last = _last(alpha, -top, steps[0])
    if max(alpha, 1.0) * top * (last - 1) > LARGEST:
        return np.inf
    lone = min(last, 2 + np.ceil((NEGLIGIBLE + abs(lag)) / abs(drift))) if drift else last
    return _every_term(terms, lone, width, *steps) + share * _rest(alpha * top, lone, last)


def _rest(log_ratio, first, stop):
    """Sum of exp(log_ratio m) over first <= m < stop."""
    if first >= stop:
        return 0.0
    with np.errstate(over="ignore"):
        return float(np.exp(log_ratio * first) * geometric_sum(log_ratio, stop - first))


def _every_term(terms, count, width, steps, x):
    """Sum of ``terms(m)`` over m < count, where each is made of ``width`` numbers."""
    if count * width > MOST:
        raise ValueError(
            f"steps: {steps:g} at rate * step_size = {x:g} sum {count * width:.0e} numbers; use larger steps, or fewer"
        )
    rows = max(1, int(BLOCK / width))
    return float(sum(np.sum(terms(np.arange(m, min(m + rows, count)))) for m in np.arange(0, count, rows)))


def _last(alpha, rate, steps):
    """The number of terms that matter of a sum that falls like exp(-alpha rate m)."""
    return steps if rate <= 0 else min(steps, 2 + np.ceil(NEGLIGIBLE / (alpha * rate)))


def _strong_terms(alpha, x, log_g, m, count):
    """Integrals over w = x v in (0, x), divided by x. The two powers meet at ``zero``: for x <= 1, and where m is even, the
    kernel has a kink there, inside a step or beside it."""
    zero, odd = m * excess_log(x), (m % 2 == 1) & (x > 1)
    near = ~odd & (np.abs(zero) <= 3 * x)
    (t, weights), kinked = _rules(alpha, count)
    z, far, w = zero[near], zero[~near, None], x * t
    result = np.empty(len(m))
    result[near] = np.exp(alpha * m[near] * log_g) / x * (_from_zero(x - z, alpha, kinked) - _from_zero(-z, alpha, kinked))
    larger = np.maximum(m[~near, None] * log_g, -m[~near, None] * x - w)
    result[~near] = _power_gap(alpha, larger, far - w, odd[~near, None]) @ weights
    return result


@lru_cache(maxsize=64)
def _rules(alpha, count):
    """Nodes and weights of the integrals over 0 < t < 1 of f(t), and of t^alpha f(t)."""
    (t, weights), (s, kinked) = np.polynomial.legendre.leggauss(count), roots_jacobi(count, 0.0, alpha)
    return (0.5 * (1 + t), 0.5 * weights), (0.5 * (1 + s), 0.5 ** (1 + alpha) * kinked)


def _from_zero(z, alpha, rule):
    """Integral over 0 < y < z of |1 - exp(-y)|^alpha dy, negative for z < 0."""
    t, weights = rule
    y = z[:, None] * t
    shape = np.where(y == 0, 1.0, -np.expm1(-y) / np.where(y == 0, 1.0, y))
    return z * np.abs(z) ** alpha * (shape**alpha @ weights)
