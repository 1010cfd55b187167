"""Asymptotics of estimators of the tail index, for symmetric alpha-stable data X of unit scale.

Derivations: guide/tails.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.stable import laws as stable

HALF_LINE = np.arange(-4.0, 4.5, 1 / 32)  # double exponential rule for functions on (0, inf) that fall off like exp(-x)
NODES = np.exp(HALF_LINE - np.exp(-HALF_LINE))
WEIGHTS = NODES * (1 + np.exp(-HALF_LINE)) / 32
LOG_GRID = np.arange(-60.0, 6.0, 1 / 32)


def hill_bias_slope(alpha: ArrayLike):
    """The slope b of the bias of Hill's estimate from the top k of n: E[1/alpha_hat] = 1/alpha - b k/n.

    Equation: b = D / (2 alpha C), P(|X| > x) = C x^{-alpha} (1 + D x^{-alpha} + ...); 0 at alpha = 1, negative below.
    Regime: limit, first order in k/n. Source: guide/tails.md, Hill.

    Args:
        alpha: Stability index of the data, in (0, 2): a Gaussian has no such tail.

    Returns:
        b: a float, or an array of the shape of ``alpha``.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha = arguments.index("alpha", alpha, ends="()")
    second = np.asarray(stable.second_order_constant(alpha))
    return plain(second / (2 * alpha * np.asarray(stable.tail_constant(alpha))))


@arguments.broadcasts
def hill_error(alpha: ArrayLike, k: ArrayLike):
    """The standard deviation of Hill's 1/alpha_hat from the top k.

    Equation: 1 / (alpha sqrt(k)). Regime: limit, k large and k/n small. Source: guide/tails.md, Hill.

    Args:
        alpha: Tail index of the data, > 0.
        k: How many of the largest are used, a whole number >= 1.

    Returns:
        The standard deviation: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha = arguments.positive("alpha", alpha, "give a tail index above 0")
    return plain(1 / (alpha * np.sqrt(arguments.whole("k", k))))


@arguments.broadcasts
def ecf_variance(alpha: ArrayLike, first: ArrayLike = 0.2, second: ArrayLike = 0.8):
    """The asymptotic variance V of the two-point estimate by the characteristic function phi.

    Equation: alpha_hat = log(log phi_n(s) / log phi_n(r)) / log(s/r), N Var(alpha_hat) -> V = g' K g with
    g = (-1/(phi(r) log phi(r)), 1/(phi(s) log phi(s))) / log(s/r) and K the covariance of cos(rX), cos(sX):
    (phi(u+v) + phi(u-v))/2 - phi(u) phi(v). Data that are divided by the median m of |X| first have r/m and s/m:
    the estimate of m adds nothing, as alpha_hat has no derivative in the scale. Regime: limit, N large.
    Source: guide/tails.md, Characteristic function.

    Args:
        alpha: Stability index of the data, in (0, 2].
        first, second: The arguments r and s of phi, > 0 and different, in units of one over the scale of X.

    Returns:
        V: a float, or an array of the broadcast shape; infinite beyond the floats.

    Raises:
        ValueError: For an argument out of range, and for equal arguments of phi.
    """
    alpha = arguments.index("alpha", alpha)
    r = arguments.positive("first", first, "give a positive argument")
    s = arguments.positive("second", second, "give a positive argument")
    if np.any(r == s):
        raise ValueError(f"second: {second} is also first; two different arguments are needed")

    def covariance(u, v):
        # cosh and expm1 keep the digits where both arguments are small.
        return (
            0.5
            * np.exp(-(u**alpha) - v**alpha)
            * (np.expm1(u**alpha + v**alpha - (u + v) ** alpha) + np.expm1(u**alpha + v**alpha - np.abs(u - v) ** alpha))
        )

    with np.errstate(over="ignore", invalid="ignore"):
        of_r, of_s = -np.exp(r**alpha) / r**alpha, -np.exp(s**alpha) / s**alpha
        form = of_r**2 * covariance(r, r) - 2 * of_r * of_s * covariance(r, s) + of_s**2 * covariance(s, s)
    return plain(np.where(np.isfinite(form), form, np.inf) / np.log(s / r) ** 2)


@arguments.broadcasts
def block_variance(alpha: ArrayLike, block: ArrayLike, blocks: ArrayLike):
    """The variance of 1/alpha_hat of the block log-moment estimate.

    Equation: (V (1 + 1/block) - 2c) / (blocks log(block)^2), V = Var log|X|, c = ``block_covariance``. Regime: exact at any
    size (the estimate of 1/alpha is unbiased). Source: guide/tails.md, Block sums.

    Args:
        alpha: Stability index of the data, in (0, 2].
        block: How many draws each sum Y has, a whole number >= 2.
        blocks: How many sums there are, a whole number >= 2.

    Returns:
        The variance: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, size = arguments.index("alpha", alpha), arguments.whole("block", block, 2)
    count = arguments.whole("blocks", blocks, 2)
    spread = np.asarray(stable.variance_log_norm(alpha)) * (1 + 1 / size) - 2 * np.asarray(block_covariance(alpha, size))
    return plain(spread / (count * np.log(size) ** 2))


@arguments.broadcasts
def block_covariance(alpha: ArrayLike, block: ArrayLike):
    """c = Cov(log|Y|, log|X_1|) for Y = X_1 + ... + X_block.

    Equation: with rho = block^{-1/alpha}, from log|x| = int_0^inf (e^{-s} - cos(sx)) ds/s and Frullani's integral,
    c = -(1/(2 alpha)) int_0^inf log( N_+(v) N_-(v) / (1 + v^alpha)^2 ) dv/v, N_+-(v) = |1 +- rho v|^alpha + v^alpha
    (1 - 1/block); alpha = 2: asin(block^{-1/2})^2 / 2. Regime: exact, quadrature to about 1e-12.
    Source: guide/tails.md, Block sums.

    Args:
        alpha: Stability index of the data, in (0, 2].
        block: How many draws the sum Y has, a whole number >= 2.

    Returns:
        c: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, size = np.broadcast_arrays(arguments.index("alpha", alpha), arguments.whole("block", block, 2))
    a, k = alpha[..., None], size[..., None]
    total = 0.0
    # v = block^{1/alpha} e^{+-y/rate}: the integrand has a cusp at y = 0 and falls off like e^{-y}.
    rate = np.minimum(a, 1.0)
    for sign in (-1, 1):
        y = sign * NODES / rate
        power = np.exp(a * y)
        plus, minus = np.exp(a * np.logaddexp(0, y)), np.exp(a * (np.maximum(y, 0) + np.log(-np.expm1(-np.abs(y)))))
        # N and 1 + v^alpha share 1 + (k-1) e^{alpha y}; with v = k^{1/alpha} e^y the rest is small at both ends.
        base = 1 + k * power
        values = np.log1p((plus - 1 - power) / base) + np.log1p((minus - 1 - power) / base)
        total = total + np.sum(WEIGHTS * values, axis=-1) / rate[..., 0]
    return plain(-total / (2 * alpha))


@arguments.broadcasts
def log_variance_error(alpha: ArrayLike, count: ArrayLike, dim: ArrayLike = 1):
    """The standard error of alpha_hat from the variance V of log|X| of N draws in R^dim.

    Equation: V = (pi^2/6)(1/alpha^2 - 1/4) + psi'(dim/2)/4 is inverted for alpha; Var(V_hat) = k4/N + 2 V^2/(N-1) with
    k4 = (pi^4/15)(1/alpha^4 - 1/16) + psi'''(dim/2)/16, and d alpha / dV = 3 alpha^3 / pi^2. Regime: Var(V_hat) exact,
    the step to alpha of first order. Source: guide/tails.md, Log variance.

    Args:
        alpha: Stability index of the data, in (0, 2].
        count: Number of draws N, a whole number >= 2.
        dim: Their dimension, a whole number >= 1.

    Returns:
        The standard error: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, count = arguments.index("alpha", alpha), arguments.whole("count", count, 2)
    half = arguments.whole("dim", dim) / 2
    variance = np.pi**2 / 6 * (1 / alpha**2 - 0.25) + special.polygamma(1, half) / 4
    fourth = np.pi**4 / 15 * (1 / alpha**4 - 1 / 16) + special.polygamma(3, half) / 16
    return plain(3 * alpha**3 / np.pi**2 * np.sqrt(fourth / count + 2 * variance**2 / (count - 1)))


@arguments.broadcasts
def block_limit_student(nu: ArrayLike, block: ArrayLike):
    """The alpha that the block log-moment estimate tends to on Student data, whose tail index is nu.

    Equation: 1/alpha = int_0^inf (phi(s) - phi(s)^block) ds/s / log(block), phi the characteristic function of Student's law:
    2 (z/2)^{nu/2} K_{nu/2}(z) / Gamma(nu/2), z = s sqrt(nu). Regime: limit of many blocks. Source: guide/tails.md, Block sums.

    Args:
        nu: Degrees of freedom of the data, > 0.
        block: How many draws each sum has, a whole number >= 2.

    Returns:
        alpha: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    nu, size = (
        x[..., None]
        for x in np.broadcast_arrays(arguments.positive("nu", nu, "give nu > 0"), arguments.whole("block", block, 2))
    )
    log_phi = _log_student(nu / 2, LOG_GRID / np.minimum(nu, 1.0) + 0.5 * np.log(np.maximum(nu, 1.0)))
    values = np.exp(log_phi) * -np.expm1((size - 1) * log_phi)
    integral = np.sum(values, axis=-1) / (32 * np.minimum(nu, 1.0)[..., 0])
    return plain(np.log(size[..., 0]) / integral)


def _log_student(half: Array, log_z: Array) -> Array:
    """log of 2 (z/2)^h K_h(z) / Gamma(h), by Debye's expansion for h above 50; 0 where z is so small that K overflows."""
    z = np.exp(np.clip(log_z, -600, 600))
    large = half > 50
    order = np.where(large, 1.0, half)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = np.log(2 * special.kve(order, z)) - z + order * np.log(z / 2) - special.gammaln(order)
    value = np.where(np.isnan(value) | (value > 0), 0.0, value)
    half = np.where(large, half, 60.0)
    root = np.hypot(1, np.minimum(z / half, 1e30))
    # Relative to z = 0, so that the terms left out vanish there.
    debye = (
        -half * (root - 1 - np.log1p((root - 1) / 2)) - 0.5 * np.log(root) + np.log(_debye(1 / root, half) / _debye(1.0, half))
    )
    return np.where(large, debye, value)


def _debye(p: Array | float, half: Array) -> Array:
    first = (3 * p - 5 * p**3) / 24
    second = (81 * p**2 - 462 * p**4 + 385 * p**6) / 1152
    third = (30375 * p**3 - 369603 * p**5 + 765765 * p**7 - 425425 * p**9) / 414720
    return 1 - first / half + second / half**2 - third / half**3
