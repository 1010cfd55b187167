"""Sums and integrals behind the scales of linear Euler schemes, dX = -rate X dt + dL; x = rate * step_size.

In the strong error the kernel exp(-w) - (1 - x)^m changes sign inside a step: with E = exp(-m x), G = (1 - x)^m and
w* = log(E/|G|), it is E exp(-w) -+ |G| = |G| (exp(w* - w) -+ 1), so powers are taken of expm1, and Gauss-Jacobi nodes start
at the zero w*. Derivations: guide/sde.md, Long sums.
Terms that are round-off of the sum are left out, powers that have outlived the other ones are a geometric sum, and long sums of
smooth terms are those of ``long_sums``: whatever the steps and x, the larger of some thousand and about 50/alpha terms, in
``two_grid_sum`` times the ratio.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

from jaxprune.theory.numerics.long_sums import ROWS, SHORT, every_term, long_sum

Array = NDArray[np.float64]
NEGLIGIBLE = 45.0  # exponent
LARGEST = 760.0  # exponent: beyond the floats, even with a factor exp(-45)
SMALLEST = 1e-300  # to divide by
PANEL = 8.0  # exponent by which terms change over one panel


def strong_error_sum(alpha: float, x: float, steps: float) -> float:
    """The sum over m < steps of the integral over 0 < v < 1 of |exp(-x (m + v)) - (1 - x)^m|^alpha dv.

    Regime: exact. Source: guide/sde.md, Strong error.
    """
    if x == 0:
        return 0.0
    log_g = float(log_factor(x))
    rate = min(x, -log_g)
    last = _last(alpha, rate, steps)
    # Where exp(-m x) has died out but |1 - x|^m has not, the sum is geometric.
    lone = min(last, 2 + np.ceil(NEGLIGIBLE / (log_g + x))) if log_g + x > 0 else last

    def terms(m):
        return _strong_terms(alpha, x, log_g, m)

    if x > 1:
        total = every_term(terms, 0, lone)
    else:
        # The zero enters the step at m = 0 and leaves it at x/excess.
        excess = excess_log(x)
        total = long_sum(terms, 0, last, (0.0, x / excess if excess > 0 else np.inf), PANEL / (alpha * rate))
    if lone < last:
        with np.errstate(over="ignore"):
            total += np.exp(alpha * log_g * lone) * geometric_sum(alpha * log_g, last - lone)
    return float(total)


def two_grid_sum(alpha: float, x: float, steps: float, ratio: float) -> float:
    """The sum over m < steps and the mean over j < r of |(1 - x/r)^(m r + j) - (1 - x)^m|^alpha.

    Regime: exact. Source: guide/sde.md, Two grids.
    """
    if x == 0 or ratio == 1:
        return 0.0
    fine, coarse = ratio * float(log_factor(x / ratio)), float(log_factor(x))
    last = _last(alpha, -max(fine, coarse), steps)
    if max(fine, coarse) * (last - 1) > LARGEST:
        return np.inf
    if x >= 1:
        return _alternating_grids(alpha, x, ratio, (fine, coarse), last)
    j, drift = np.arange(ratio), excess_log(x) - ratio * excess_log(x / ratio)

    def terms(m, lag):
        # The larger of the two powers is taken out: next to x = 1 their quotient overflows.
        logs = m * drift + lag
        return np.exp(alpha * (m * coarse + np.maximum(logs, 0.0))) * (-np.expm1(-np.abs(logs))) ** alpha

    lags = j * np.log1p(-x / ratio)
    if last <= SHORT:
        total = every_term(lambda m: terms(m[:, None], lags), 0, last, _rows(ratio))
    else:
        panel = PANEL / (alpha * abs(fine))
        total = sum(long_sum(partial(terms, lag=lag), 0, last, (-lag / max(drift, SMALLEST),), panel) for lag in lags)
    return float(total / ratio)


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
    inner, outer = float(log_factor(x)), _log_of_both(x, y)
    if y < 0:  # the sum does not change when both powers change places
        x, y, inner, outer = x + y, -y, outer, inner
    last = _last(alpha, -max(inner, outer), steps)
    if max(inner, outer) * (last - 1) > LARGEST:
        return np.inf
    if x < 1 < x + y:
        return _alternating_chaos(alpha, (inner, outer), np.log1p(((2 - y) - 2 * x) / (x + y - 1)), last)
    # Of one sign: the larger power is taken out.
    with np.errstate(divide="ignore"):
        larger, quotient = (inner, np.log1p(-y / (1 - x))) if x < 1 else (outer, -np.log1p(y / (x - 1)) if x > 1 else -np.inf)

    def terms(m):
        return np.exp(alpha * m * larger) * (-np.expm1(m * quotient)) ** alpha

    return long_sum(terms, 1, last, (0.0,), PANEL / (alpha * abs(larger)) if larger != 0 else np.inf)


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
    with np.errstate(divide="ignore"):
        return float(-(np.log(abs(1 - x)) + x))


def _last(alpha, rate, steps):
    """The number of terms that matter of a sum that falls like exp(-alpha rate m)."""
    return steps if rate <= 0 else min(steps, 2 + np.ceil(NEGLIGIBLE / (alpha * rate)))


def _strong_terms(alpha, x, log_g, m):
    """Integrals over w = x v in (0, x), divided by x."""
    zero = np.where(m > 0, np.maximum(m, 1.0) * excess_log(x), 0.0)
    odd = (m % 2 == 1) & (x > 1)
    near, above = ~odd & (np.abs(zero) <= 3 * x), (zero > 0)
    count = 14 if x < 0.5 else 40
    result = np.zeros(len(m))
    if np.any(near):
        z = zero[near]
        pieces = _from_zero(x - z, alpha, count) - _from_zero(-z, alpha, count)
        with np.errstate(invalid="ignore"):
            result[near] = np.exp(alpha * np.where(m[near] > 0, m[near] * log_g, 0.0)) * pieces
    t, weights = np.polynomial.legendre.leggauss(count)
    w, weights = 0.5 * x * (1 + t), 0.5 * x * weights
    for here, larger in ((~near & above, True), (~near & ~above, False)):
        if not np.any(here):
            continue
        # |E exp(-w) -+ G| with the larger of the two taken out of the bracket.
        lag = (w - zero[here, None]) if larger else (zero[here, None] - w)
        bracket = np.where(odd[here, None], 1 + np.exp(lag), -np.expm1(lag)) ** alpha
        front = np.exp(-alpha * (m[here, None] * x + w)) if larger else np.exp(alpha * m[here, None] * log_g)
        result[here] = (bracket * front) @ weights
    return result / x


def _from_zero(z, alpha, count):
    """Integral over 0 < y < z of |1 - exp(-y)|^alpha dy, negative for z < 0."""
    t, weights = roots_jacobi(count, 0.0, alpha)
    t, weights = 0.5 * (1 + t), weights * 0.5 ** (1 + alpha)
    y = z[:, None] * t
    shape = np.where(y == 0, 1.0, -np.expm1(-y) / np.where(y == 0, 1.0, y))
    return z * np.abs(z) ** alpha * (shape**alpha @ weights)


def _rows(ratio):
    return max(1, int(10 * ROWS / ratio))


def _alternating_grids(alpha, x, ratio, logs, last):
    """``two_grid_sum`` for x >= 1: one grid dies out beside the other, whose sum is geometric."""
    fine, coarse = logs
    lone, j = last, np.arange(ratio)
    if fine != coarse:
        lone = min(last, 2 + np.ceil((NEGLIGIBLE + abs(fine)) / abs(fine - coarse)) if np.all(np.isfinite(logs)) else 2)

    def terms(m):
        m = m[:, None]
        return np.abs((1 - x / ratio) ** (m * ratio + j) - (1.0 - x) ** m) ** alpha

    with np.errstate(over="ignore"):
        total = every_term(terms, 0, lone, _rows(ratio)) / ratio
        if lone < last:
            share = 1.0 if coarse > fine else geometric_sum(alpha * fine / ratio, ratio) / ratio
            total += np.exp(alpha * max(logs) * lone) * geometric_sum(alpha * max(logs), last - lone) * share
    return float(total)


def _log_of_both(x, y):
    """log|1 - x - y|, without the rounding of x + y."""
    total = x + y
    lost = (x - (total - (total - x))) + (y - (total - x))
    if 0.5 < total < 1.5:
        with np.errstate(divide="ignore"):
            return float(np.log(abs((1 - total) - lost)))
    return float(np.log1p(-total - lost if total < 1 else (total - 2) + lost))


def _alternating_chaos(alpha, logs, gap, last):
    """``chaos_sum`` for x < 1 < x + y: the powers differ at even m and add at odd ones, which are summed in pairs."""
    larger = max(logs)

    def odd(m):
        return np.exp(alpha * m * larger) * (1 + np.exp(-m * abs(gap))) ** alpha

    def even(m):
        return np.exp(alpha * m * larger) * (-np.expm1(-m * abs(gap))) ** alpha

    pairs, single = divmod(last - 1, 2)
    panel = PANEL / (2 * alpha * abs(larger)) if larger != 0 else np.inf
    total = long_sum(lambda k: odd(2 * k + 1) + even(2 * k + 2), 0, pairs, (-0.5,), panel)
    return total + (odd(last - 1) if single else 0.0)
