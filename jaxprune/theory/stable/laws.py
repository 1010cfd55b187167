"""Symmetric stable laws SaS(alpha), E exp(itX) = exp(-|t|^alpha), and the isotropic law of the same name in R^d.

Everything is for unit scale: with scale s, P(|X| > x) = ``abs_sf(x / s, alpha)``. alpha = 2 is N(0, 2), alpha = 1 is Cauchy.
Relative errors are about 1e-13, in the body, in the tails and next to alpha = 1 and 2 (1e-12 below alpha = 0.05). Scalars give
floats, arrays broadcast; an alpha outside (0, 2] is a ValueError. Derivations: guide/stable.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, erf, erfc, erfcinv, erfinv, gamma, gammainc, gammaln, polygamma, rgamma

from jaxprune.theory import arguments
from jaxprune.theory.arguments import each, half_line, plain
from jaxprune.theory.numerics.gamma import log_ratio
from jaxprune.theory.numerics.roots import newton
from jaxprune.theory.stable.contours import Partial, sine

Array = NDArray[np.float64]


@arguments.broadcasts
def abs_sf(x: ArrayLike, alpha: ArrayLike) -> Any:
    """P(|X| > x).

    Equation: (1/2 pi i) integral of x^-s E|X|^s ds/s (``contours``); the same as
    (2/pi) integral over 0 < w < pi/2 of exp(-(x/g(w))^(alpha/(alpha-1))). erfc(x/2) for alpha = 2.
    Regime: exact, any x (1 for x <= 0), relative accuracy in the far tail. Source: guide/stable.md, Contour integrals.

    Args:
        x: Any number, infinity included.
        alpha: Stability index, in (0, 2].

    Returns:
        The probability: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an alpha out of range, and for NaN.
    """
    index, x = arguments.index("alpha", alpha), arguments.real("x", x)
    return each(lambda a, t: half_line(t, 1.0, 0.0, lambda y: _sf(y, a)), index, x)


@arguments.broadcasts
def abs_cdf(x: ArrayLike, alpha: ArrayLike) -> Any:
    """P(|X| <= x), without the cancellation of 1 - ``abs_sf`` at small x.

    Equation, regime, source: as ``abs_sf``.

    Args:
        x: Any number, infinity included.
        alpha: Stability index, in (0, 2].

    Returns:
        The probability: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an alpha out of range, and for NaN.
    """
    index, x = arguments.index("alpha", alpha), arguments.real("x", x)
    return each(lambda a, t: half_line(t, 0.0, 1.0, lambda y: _cdf(y, a)), index, x)


@arguments.broadcasts
def abs_pdf(x: ArrayLike, alpha: ArrayLike) -> Any:
    """The density of |X|, twice that of X.

    Equation: (1/2 pi i) integral of x^(-s-1) E|X|^s ds; 2 Gamma(1 + 1/alpha)/pi at 0. Regime: exact, any x (0 for x < 0).
    Source: guide/stable.md, Contour integrals.

    Args:
        x: Any number, infinity included.
        alpha: Stability index, in (0, 2].

    Returns:
        The density: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an alpha out of range, and for NaN.
    """
    index = arguments.index("alpha", alpha)

    def density(a, t):
        return np.where(t == 0, 2 / np.pi * gamma(1 + 1 / a), half_line(t, 0.0, 0.0, lambda y: _pdf(y, a)))

    return each(density, index, arguments.real("x", x))


@arguments.broadcasts
def abs_quantile(p: ArrayLike, alpha: ArrayLike) -> Any:
    """The x with P(|X| > x) = p.

    Equation: ``abs_sf`` inverted by Newton steps in log x, from the smaller of p and 1 - p. 2 erfcinv(p) for alpha = 2.
    Regime: exact, 0 <= p <= 1. Source: guide/stable.md, Contour integrals.

    Args:
        p: Probability of the upper tail, in [0, 1].
        alpha: Stability index, in (0, 2].

    Returns:
        x: a float, or an array of the broadcast shape; infinity where it exceeds the floating-point range, and at p = 0.

    Raises:
        ValueError: For an argument out of range.
    """
    p = arguments.probability("p", p, "[]")
    return each(lambda a, q: _quantile(q, a), arguments.index("alpha", alpha), p)


def quantile_ratio(alpha: ArrayLike) -> Any:
    """McCulloch's nu = (q95 - q05)/(q75 - q25), free of scale and shift.

    Equation: ``abs_quantile(0.1) / abs_quantile(0.5)``. Regime: exact, falls from infinity to 2.4387 at alpha = 2.
    Source: guide/stable.md, Quantile ratio.

    Args:
        alpha: Stability index, in (0, 2].

    Returns:
        nu: a float, or an array of the shape of ``alpha``.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(np.exp(np.log(abs_quantile(0.1, alpha)) - np.log(abs_quantile(0.5, alpha))))


def tail_constant(alpha: ArrayLike) -> Any:
    """The C of P(|X| > x) ~ C x^-alpha.

    Equation: (2/pi) Gamma(alpha) sin(pi alpha/2). Regime: limit of large x; 0 for alpha = 2. Source: guide/stable.md, Tails.

    Args:
        alpha: Stability index, in (0, 2].

    Returns:
        C: a float, or an array of the shape of ``alpha``.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha = arguments.index("alpha", alpha)
    return plain(2 / np.pi * gamma(alpha) * sine(1, alpha))


def second_order_constant(alpha: ArrayLike) -> Any:
    """The D of P(|X| > x) = C x^-alpha (1 + D x^-alpha + ...).

    Equation: -Gamma(2 alpha) cos(pi alpha/2)/Gamma(alpha). Regime: limit of large x. Source: guide/stable.md, Tails.
    """
    alpha = arguments.index("alpha", alpha)
    near_one = np.sin(0.5 * np.pi * np.subtract(alpha, 1))
    return plain(np.exp(gammaln(2 * alpha) - gammaln(alpha)) * near_one)


@arguments.broadcasts
def truncated_moment(t: ArrayLike, order: ArrayLike, alpha: ArrayLike) -> Any:
    """M_q(t) = E[|X|^q; |X| <= t], q >= alpha included.

    Equation: (1/2 pi i) integral of t^(q-s) E|X|^s ds/(q-s), Re s < min(q, alpha); 2^q gamma_lower((q+1)/2, t^2/4)/sqrt(pi)
    for alpha = 2. Regime: exact. Source: guide/stable.md, Contour integrals.

    Args:
        t: Any number, infinity included.
        order: The order q, > -1.
        alpha: Stability index, in (0, 2].

    Returns:
        The moment: a float, or an array of the broadcast shape. At t = infinity the whole one, infinite for q >= alpha < 2.

    Raises:
        ValueError: For an argument out of range.
    """
    q = arguments.inside("order", order, -1, np.inf, cure="up to -1 the moment is infinite")
    index, t = arguments.index("alpha", alpha), arguments.real("t", t)

    def of_law(a, q, t):
        return each(lambda r, u: half_line(u, 0.0, abs_moment(r, a), lambda y: _truncated(y, r, a)), q, t)

    return each(of_law, index, q, t)


@arguments.broadcasts
def abs_moment(order: ArrayLike, alpha: ArrayLike, dim: ArrayLike = 1) -> Any:
    """E|X|_2^q of the isotropic law in R^d.

    Equation: 2^q Gamma(1 - q/alpha) Gamma((d+q)/2) / (Gamma(1 - q/2) Gamma(d/2)). Regime: exact.
    Source: guide/stable.md, Moments.

    Args:
        order: The order q, > -d.
        alpha: Stability index, in (0, 2].
        dim: The dimension d, a whole number >= 1.

    Returns:
        The moment: a float, or an array of the broadcast shape; infinite for q >= alpha < 2.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, dim = arguments.index("alpha", alpha), arguments.whole("dim", dim)
    q, alpha, dim = np.broadcast_arrays(arguments.finite("order", order), alpha, dim)
    if np.any(infinite := q + dim <= 0):
        raise ValueError(f"order: {q[infinite][0]} is not above -dim; there the moment is infinite")
    gaussian = alpha == 2
    finite = (q < alpha) | gaussian
    r = np.where(finite & ~gaussian, q, 0.0)
    mixture = log_ratio(1 - r / 2, r / 2 - r / alpha)
    logs = q * np.log(2) + log_ratio(dim / 2, q / 2) + np.where(gaussian, 0.0, mixture)
    with np.errstate(over="ignore"):
        return plain(np.where(finite, np.exp(logs), np.inf))


@arguments.broadcasts
def mean_log_norm(alpha: ArrayLike, dim: ArrayLike = 1) -> Any:
    """E log|X|_2 of the isotropic law in R^d.

    Equation: log 2 + gamma_E (1/alpha - 1/2) + psi(d/2)/2; gamma_E (1/alpha - 1) for d = 1. Regime: exact.
    Source: guide/stable.md, Logarithms.

    Args:
        alpha: Stability index, in (0, 2].
        dim: The dimension d, a whole number >= 1.

    Returns:
        The mean: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, dim = arguments.index("alpha", alpha), arguments.whole("dim", dim)
    scalar = np.euler_gamma * (1 - alpha) / alpha
    general = np.log(2) + np.euler_gamma * (1 / alpha - 0.5) + 0.5 * digamma(dim / 2)
    return plain(np.where(dim == 1, scalar, general))


def variance_log_norm(alpha: ArrayLike, dim: ArrayLike = 1) -> Any:
    """Var log|X|_2 of the isotropic law in R^d.

    Equation: (pi^2/6)(1/alpha^2 - 1/4) + psi'(d/2)/4; (pi^2/6)(1/alpha^2 + 1/2) for d = 1. Regime: exact.
    Source: guide/stable.md, Logarithms.
    """
    alpha, dim = arguments.index("alpha", alpha), arguments.whole("dim", dim)
    mixture = np.pi**2 / 24 * (2 - alpha) * (2 + alpha) / alpha**2
    return plain(mixture + 0.25 * polygamma(1, dim / 2))


@arguments.broadcasts
def norm_tail_constant(alpha: ArrayLike, dim: ArrayLike, noise: str | int) -> Any:
    """The C of P(|X|_2 > r) ~ C r^-alpha for the unit noise of one neuron with d inputs.

    Equation: type I (one scalar, copied) d^(alpha/2) C_alpha; type II (independent coordinates) d C_alpha;
    type III (isotropic) 2^alpha Gamma((alpha+d)/2)/(Gamma(d/2) Gamma(1 - alpha/2)). Regime: limit of large r; 0 for alpha = 2.
    Source: guide/stable.md, Tails.

    Args:
        alpha: Stability index, in (0, 2].
        dim: Number of inputs d, a whole number >= 1.
        noise: Type of the noise: "I", "II", "III" or 1, 2, 3.

    Returns:
        C: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    kind = arguments.noise_type("noise", noise)
    alpha, dim = arguments.index("alpha", alpha), arguments.whole("dim", dim)
    if kind == 3:
        return plain(np.exp(alpha * np.log(2) + log_ratio(dim / 2, alpha / 2)) * rgamma((2 - alpha) / 2))
    return plain((dim ** (alpha / 2) if kind == 1 else dim) * tail_constant(alpha))


@lru_cache(maxsize=64)
def _partial(order: float, alpha: float) -> Partial:
    return Partial(alpha, order)


def _sf(x, alpha):
    return erfc(x / 2) if alpha == 2 else np.minimum(_partial(0.0, alpha).upper(np.log(x)), 1.0)


def _cdf(x, alpha):
    return erf(x / 2) if alpha == 2 else np.clip(_partial(0.0, alpha).lower(np.log(x)), 0.0, 1.0)


def _pdf(x, alpha):
    return (
        np.exp(-np.square(np.minimum(x, 1e100)) / 4) / np.sqrt(np.pi)
        if alpha == 2
        else np.maximum(_partial(-1.0, alpha).lower(np.log(x)), 0.0)
    )


def _truncated(t, order, alpha):
    if alpha == 2:
        half = np.minimum(t, 1e100) / 2
        return 2**order * gamma((order + 1) / 2) / np.sqrt(np.pi) * gammainc((order + 1) / 2, half * half)
    return np.maximum(_partial(order, alpha).lower(np.log(t)), 0.0)


def _quantile(p, alpha):
    if alpha == 2:
        return np.where(p < 0.5, 2 * erfcinv(p), 2 * erfinv(1 - p))
    result = np.where(p > 0, 0.0, np.inf)
    here = (p > 0) & (p < 1)
    if np.any(here):
        with np.errstate(over="ignore"):
            result[here] = np.exp(_log_quantile(p[here], alpha))
    return result


def _log_quantile(p, alpha):
    """Newton steps on log P(|X| > x) = log p, or on the distribution function where p is large."""
    law, density, upper = _partial(0.0, alpha), _partial(-1.0, alpha), p < 0.5
    target = np.where(upper, -np.log(p), np.log1p(-p))

    def residual(log_x, which):
        tail = upper[which]
        value = np.empty(log_x.shape)
        value[tail], value[~tail] = law.upper(log_x[tail]), law.lower(log_x[~tail])
        with np.errstate(all="ignore"):
            slope = np.exp(log_x + np.log(density.lower(log_x)) - np.log(value))
            return np.where(tail, -np.log(value), np.log(value)) - target[which], slope

    grid = np.linspace(-3 - 8 / alpha, 3 + 8 / alpha, 200)
    with np.errstate(all="ignore"):
        odds = np.log(law.upper(grid)) - np.log(law.lower(grid))
    finite = np.isfinite(odds)
    start = np.interp(np.log1p(-p) - np.log(p), -odds[finite], grid[finite])
    far = (np.log(tail_constant(alpha)) - np.log(p)) / alpha
    start = np.where(start >= grid[-1], np.maximum(far, start), start)
    near = np.log1p(-p) + np.log(np.pi / 2) - gammaln(1 + 1 / alpha)
    start = np.where(start <= grid[finite][0], np.minimum(near, start), start)
    return newton(residual, start, 1 / max(alpha, 0.5))
