"""Positive a-stable laws A: E exp(-lambda A) = exp(-lambda^a), 0 < a <= 1; A = 1 for a = 1.

With M(s) = E A^s = Gamma(1 - s/a)/Gamma(1 - s), continued to complex s, whose poles are k a,

    P(A > x) = (1/2 pi i) integral of x^-s M(s) ds/s, 0 < Re s < a at the real axis,
    E[A; A <= t] = (1/2 pi i) integral of t^(1-s) M(s) ds/(1 - s), Re s < a.

|M| hardly decays along a vertical line as a -> 1, but x^-s M(s) falls off to the right: the contours are hyperbolas bent that
way. They pass through the saddle point -(a/x^a)^(1/(1-a)) below the body of the law, and right of the first poles, whose
residues are the tail series, above it. Relative errors are about 1e-13. Scalars give floats, arrays broadcast; an index outside
(0, 1] is a ValueError. Derivations: guide/stable.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, rgamma

from jaxprune.theory import arguments
from jaxprune.theory.arguments import each, half_line, plain
from jaxprune.theory.numerics.gamma import log_ratio
from jaxprune.theory.numerics.roots import newton

Array = NDArray[np.float64]
POLES = 32  # crossed at x >= 1
BENT = (0.25 * np.pi, 0.13)  # angle and step of the contours
SADDLE = (0.3, 0.08)  # the same where the integrand is nearly Gaussian: less bent, else it oscillates
ROWS = 2000


@arguments.broadcasts
def sf(x: ArrayLike, a: ArrayLike) -> Any:
    """P(A > x).

    Equation: the contour integral above; 1 - ``cdf`` left of the body. Regime: exact, any x (1 for x <= 0).
    Source: guide/stable.md, Positive laws.

    Args:
        x: Any number, infinity included.
        a: Index of the law, in (0, 1].

    Returns:
        The probability: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an index out of range, and for NaN.
    """
    return each(
        lambda b, t: _split(t, 1.0, 0.0, lambda y: tails(np.log(y), b)[0], b),
        arguments.index("a", a, 1.0),
        arguments.real("x", x),
    )


@arguments.broadcasts
def cdf(x: ArrayLike, a: ArrayLike) -> Any:
    """P(A <= x), relative accuracy in the left tail, which falls like exp(-c x^(-a/(1-a))).

    Equation, regime, source: as ``sf``.

    Args:
        x: Any number, infinity included.
        a: Index of the law, in (0, 1].

    Returns:
        The probability: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an index out of range, and for NaN.
    """
    return each(
        lambda b, t: _split(t, 0.0, 1.0, lambda y: tails(np.log(y), b)[1], b),
        arguments.index("a", a, 1.0),
        arguments.real("x", x),
    )


@arguments.broadcasts
def quantile(p: ArrayLike, a: ArrayLike) -> Any:
    """The x with P(A > x) = p.

    Equation: ``sf`` inverted by Newton steps in log x, from the smaller of p and 1 - p; 1 for a = 1. Regime: exact,
    0 <= p <= 1. Source: guide/stable.md, Positive laws.

    Args:
        p: Probability of the upper tail, in [0, 1].
        a: Index of the law, in (0, 1].

    Returns:
        x: a float, or an array of the broadcast shape. For a < 1, 0 at p = 1, infinity at p = 0 or beyond the range of floats.

    Raises:
        ValueError: For an argument out of range.
    """
    p = arguments.probability("p", p, "[]")
    return each(lambda b, q: _quantile(q, b), arguments.index("a", a, 1.0), p)


@arguments.broadcasts
def truncated_mean(t: ArrayLike, a: ArrayLike) -> Any:
    """E[A; A <= t].

    Equation: the contour integral above, with M(s)/(1 - s) = Gamma(1 - s/a)/Gamma(2 - s); 1 for a = 1 <= t.
    Regime: exact, any t. Source: guide/stable.md, Positive laws.

    Args:
        t: Any number, infinity included.
        a: Index of the law, in (0, 1].

    Returns:
        The mean: a float, or an array of the broadcast shape; infinite at t = infinity for a < 1.

    Raises:
        ValueError: For an index out of range, and for NaN.
    """
    index = arguments.index("a", a, 1.0)
    return each(lambda b, u: _split(u, 0.0, 1.0 if b == 1 else np.inf, lambda y: _mean(y, b), b), index, arguments.real("t", t))


@arguments.broadcasts
def moment(order: ArrayLike, a: ArrayLike) -> Any:
    """E A^r.

    Equation: Gamma(1 - r/a)/Gamma(1 - r). Regime: exact, negative orders too. Source: guide/stable.md, Moments.

    Args:
        order: The order r, finite.
        a: Index of the law, in (0, 1].

    Returns:
        The moment: a float, or an array of the broadcast shape; infinite for r >= a < 1.

    Raises:
        ValueError: For an argument out of range.
    """
    a, order = np.broadcast_arrays(arguments.index("a", a, 1.0), arguments.finite("order", order))
    finite = (order < a) & (a < 1)
    r = np.where(finite, order, 0.0)
    with np.errstate(over="ignore"):
        return plain(np.where(finite | (a == 1), np.exp(log_ratio(1 - r, -r * (1 - a) / a)), np.inf))


def tail_constant(a: ArrayLike) -> Any:
    """The C of P(A > x) ~ C x^-a.

    Equation: 1/Gamma(1 - a). Regime: limit of large x; 0 for a = 1. Source: guide/stable.md, Tails.

    Args:
        a: Index of the law, in (0, 1].

    Returns:
        C: a float, or an array of the shape of ``a``.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(rgamma(1 - arguments.index("a", a, 1.0)))


def _split(x, below, beyond, inside, a):
    """``half_line``; a = 1 is the point mass at 1."""
    if a == 1:
        return np.where(x >= 1, beyond, below)
    return half_line(x, below, beyond, inside)


def tails(log_x: Array, a: float) -> Array:
    """P(A > x) and P(A <= x), and the density of log A, for x beyond the range of floats too.

    Args:
        log_x: Logarithms of x (N,), float64.
        a: Index of the law, in (0, 1).

    Returns:
        The three as rows (3, N).
    """
    parts = [_rows(log_x[i : i + ROWS], a) for i in range(0, log_x.size, ROWS)]
    return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))


def _rows(log_x, a):
    saddle, left = _saddle(log_x, a)
    values = np.empty((3, log_x.size))
    if np.any(left):
        lost, density = _integrals(log_x[left], a, -saddle[left], _width(saddle[left], a), (lambda s: -1 / s, np.ones_like))
        values[:, left] = 1 - lost, lost, density
    for here, poles in ((~left & (log_x < 0), 0), (~left & (log_x >= 0), POLES)):
        if np.any(here):
            y = log_x[here]
            start = np.full(y.shape, (poles + 0.6) * a)
            kept, density = _integrals(y, a, start, np.full(y.shape, 0.8 * a), (lambda s: 1 / s, np.ones_like))
            terms = _terms(np.arange(1, poles + 1), a) * np.exp(-np.outer(y, a * np.arange(1, poles + 1)))
            kept, density = kept + terms.sum(axis=1), density + terms @ (a * np.arange(1, poles + 1.0))
            values[:, here] = kept, 1 - kept, density
    return values


def _mean(t, a):
    parts = [_mean_rows(np.log(t[i : i + ROWS]), a) for i in range(0, t.size, ROWS)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _mean_rows(log_t, a):
    saddle, left = _saddle(log_t, a)
    poles = np.where(log_t >= 0, POLES, 0)
    start = np.where(left, -saddle, (poles + 0.6) * a)
    width = np.where(left, _width(np.where(left, saddle, 1.0), a), 0.8 * a)
    values = _integrals(log_t, a, start, width, (lambda s: 1 / (1 - s),))[0] * np.exp(log_t)
    k = np.arange(1, POLES + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = _terms(k, a) * k * a / (1 - k * a)
    near = (-1.0) ** (k - 1) * a * rgamma(2 - k * a) * rgamma(k)
    terms = np.where(k * a < 1.5, near, far) * np.exp(np.outer(np.maximum(log_t, 0.0), 1 - a * k))
    return values + np.where(poles > 0, terms.sum(axis=1), 0.0)


def _saddle(log_x, a):
    """Minus the saddle point of x^-s M(s) on the negative axis, and where the contour goes through it."""
    with np.errstate(over="ignore"):
        saddle = np.exp(np.minimum((np.log(a) - a * log_x) / (1 - a), 700.0))
    return saddle, (log_x < 0) & ((saddle > 1) | (saddle * (1 - a) > 0.5 * a))


def _width(saddle, a):
    return np.minimum(3 * saddle, 2 * np.sqrt(a / (1 - a)) * np.sqrt(saddle))


def _terms(k, a):
    """Coefficients of x^(-k a) in the tail series: (-1)^(k-1)/(k! Gamma(1 - k a)), as accurate as 1 - a."""
    sign = np.sin(np.pi * k * (1 - a)) if a > 0.5 else (-1.0) ** (k - 1) * np.sin(np.pi * k * a)
    return np.exp(gammaln(k * a) - gammaln(k + 1.0)) * sign / np.pi


def _integrals(log_x, a, start, width, kernels):
    """(1/2 pi i) times the integrals of x^-s M(s) kernel(s) over start + width (sin(angle + i u) - sin(angle))."""
    values = np.empty((len(kernels), log_x.size))
    gaussian = -start * (1 - a) > 0.3 * a
    for here, shape in ((gaussian, SADDLE), (~gaussian, BENT)):
        if np.any(here):
            values[:, here] = _hyperbola(log_x[here], a, start[here], width[here], kernels, *shape)
    return values


def _hyperbola(log_x, a, start, width, kernels, angle, step):
    b = (1 - a) / a
    reach = np.arcsinh(60 * (1 + 1 / (b * np.min(width))) / np.min(width).clip(None, 1.0)) + 2
    u = step * np.arange(1 + int(reach / step))
    start, width = start[:, None], width[:, None]
    s = start + width * (np.sin(angle + 1j * u) - np.sin(angle))
    slope = width * np.cos(angle + 1j * u) * np.where(u > 0, 1.0, 0.5)
    with np.errstate(all="ignore"):
        logs = log_ratio(1 - s, -b * s) - s * log_x[:, None]
        base = np.exp(logs)
        values = [np.where(np.real(logs) > -745, base * kernel(s) * slope, 0.0) for kernel in kernels]
    return [np.sum(np.real(v), axis=1) * step / np.pi for v in values]


def _quantile(p, a):
    result = np.where(p == 1, 0.0, np.inf)
    here = (p > 0) & (p < 1)
    if a == 1:
        return np.ones_like(p)
    if np.any(here):
        with np.errstate(over="ignore"):
            result[here] = np.exp(log_quantile(p[here], a))
    return result


def log_quantile(p: Array, a: float) -> Array:
    """The logarithm of ``quantile``, for x beyond the range of floats too.

    Args:
        p: Probabilities of the upper tail (N,), float64, in (0, 1).
        a: Index of the law, in (0, 1).

    Returns:
        log x (N,).
    """
    upper = p < 0.5
    target = np.where(upper, -np.log(p), np.log1p(-p))

    def residual(log_x, which):
        with np.errstate(all="ignore"):
            above, below, density = _rows(log_x, a)
            tail = upper[which]
            value = np.log(np.where(tail, 1 / above, below))
            slope = density / np.where(tail, above, below)
        return np.where(np.isnan(value), -np.inf, value) - target[which], slope

    return newton(residual, _guess(p, a), min((1 - a) / a, 1.0))


def _guess(p, a):
    """Log of the quantile, from a table whose places are the leading terms of both tails; beyond it, the upper one."""
    place = np.exp(-np.linspace(0.0, 20.0, 100)[1:])
    place = np.concatenate([1e-17 + 0 * place[:1], place, 0.5 * place])
    # Left of the body the law is close to exp(-S (1-a)/a) with the saddle point -S, beyond it to C x^-a.
    cold = (np.log(a) - (1 - a) * (np.log(a / (1 - a)) + np.log(-np.log(place)))) / a
    hot = (-gammaln(1 - a) - np.log(place)) / a
    grid = np.unique(np.concatenate([cold, hot[hot > np.min(cold)], np.log1p(np.exp(np.minimum(hot, 700.0)))]))
    with np.errstate(all="ignore"):
        above, below, _ = _rows(grid, a)
        odds = np.log(below) - np.log(above)
        tail = (-gammaln(1 - a) - np.log(p)) / a
    known = np.isfinite(odds)
    odds = np.maximum.accumulate(odds[known])
    return np.where(tail > grid[-1], tail, np.interp(np.log1p(-p) - np.log(p), odds, grid[known]))
