"""Covariances of two Gaussians that are set to zero inside an interval: what pruning does to correlated coefficients.

X = mean + sd h, h ~ N(0, 1), survives where ``|centre + h| > cut`` with ``centre = mean/sd`` (see ``truncated``);
T is X where it survives and 0 elsewhere. Everything here is in units of sd: T / sd.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, owens_t

from jaxprune.theory.least_squares.truncated import moments

Array = NDArray[np.float64]
TINY = 1e-300  # stands for a bound at exactly zero, where the formula of Owen has the form 0/0


def covariance(centre: tuple[Array, Array], cut: tuple[Array, Array], rho: Array) -> Array:
    """Cov(T_1, T_2) / (sd_1 sd_2) of two Gaussians with correlation ``rho``, elementwise.

    Equation: E[T_1 T_2] is the sum over the four quadrants (both upper, ...) of the moments of a bivariate normal
    beyond two bounds; these need one bivariate distribution function each, two of Owen's T.
    Regime: exact for every rho in [-1, 1], +-1 included, and cut < infinity; absolute error about 1e-15.
    Source: Rosenbaum 1961 (moments), Owen 1956 (distribution); guide/least_squares.md, Pruning
    correlated features.
    """
    product = np.zeros(np.broadcast(*centre, *cut, rho).shape)
    for one in (1.0, -1.0):
        for two in (1.0, -1.0):
            # In this quadrant sign * h > bound, and X / sd = sign * (sign * centre + sign * h).
            c, d = one * centre[0], two * centre[1]
            mass, first, second, both = _beyond(cut[0] - c, cut[1] - d, one * two * rho)
            product += one * two * (c * d * mass + c * second + d * first + both)
    return product - _mean(centre[0], cut[0]) * _mean(centre[1], cut[1])


def series(centre: Array, cut: Array, rho: Array, weights: Array, tolerance: float = 1e-12) -> float:
    """Sum over i != j of weights_ij Cov(T_i, T_j) / (sd_i sd_j), by Mehler's series.

    Equation: Cov = sum_k rho^k a_k(i) a_k(j) / k! over k >= 1, a_k = E[He_k(h) T]. Regime: exact; the number of terms
    is that at which rho^k, times the variances left, falls below ``tolerance``, so it pays for weak correlation.
    Raises ValueError where that needs more than 1,000 terms. Source: guide/least_squares.md, Pruning correlated features.
    """
    off = np.where(np.eye(len(centre), dtype=bool), 0.0, rho)
    largest = float(np.max(np.abs(off), initial=0.0))
    terms = int(np.ceil(np.log(tolerance) / np.log(largest))) if 0 < largest < 1 else 1
    if largest >= 1 or terms > 1000:
        raise ValueError(f"covariance: a correlation of {largest:.6g} needs too long a series; use method='pairs'")
    total, power = 0.0, weights * off
    for k, a in enumerate(_hermite(centre, cut, terms), start=1):
        total += float(a @ power @ a)
        if k < terms:
            power *= off
    return total


def _mean(centre, cut):
    found = moments(centre, cut)
    return centre * found.share + found.first


def _hermite(centre, cut, terms):
    """E[He_k(h) T] / sqrt(k!) for k = 1 .. terms."""
    # Over a half line He_k integrates to He_(k-1) times the density: inside[k] = E[He_k / sqrt(k!); survives].
    edges = zip(_edges(cut - centre, terms + 1), _edges(-cut - centre, terms + 1), strict=True)
    inside = [moments(centre, cut).share, *(upper - lower for upper, lower in edges)]
    for k in range(1, terms + 1):
        yield centre * inside[k] + np.sqrt(k + 1.0) * inside[k + 1] + np.sqrt(float(k)) * inside[k - 1]


def _edges(z, terms):
    """He_(k-1)(z) phi(z) / sqrt(k!) for k = 1 .. terms, by Hermite functions, which do not overflow."""
    before, here = np.zeros_like(z), np.exp(-0.25 * z * z) / np.sqrt(2 * np.pi)
    for k in range(1, terms + 1):
        yield here * np.exp(-0.25 * z * z) / np.sqrt(float(k))
        before, here = here, (z * here - np.sqrt(k - 1.0) * before) / np.sqrt(float(k))


def _beyond(a, b, rho):
    """P, E[h], E[k], E[h k] over h > a, k > b for standard normals of correlation rho."""
    rest = np.sqrt((1 - rho) * (1 + rho))
    height_a, height_b = _density(a), _density(b)
    given_a, given_b = ndtr(-_over(b - rho * a, rest)), ndtr(-_over(a - rho * b, rest))
    mass = _orthant(-a, -b, rho, rest)
    first = height_a * given_a + rho * height_b * given_b
    second = height_b * given_b + rho * height_a * given_a
    corner = rest / (2 * np.pi) * np.exp(-0.5 * (a * a + np.minimum(_over(b - rho * a, rest) ** 2, 1e4)))
    return mass, first, second, rho * (mass + a * height_a * given_a + b * height_b * given_b) + corner


def _orthant(h, k, rho, rest):
    """P(Z1 < h, Z2 < k) by Owen's T."""
    h, k = np.where(h == 0, TINY, h), np.where(k == 0, TINY, k)
    with np.errstate(over="ignore"):
        slopes = _over(k - rho * h, rest) / h, _over(h - rho * k, rest) / k
    other_side = np.where(h * k > 0, 0.0, np.where((h < 0) == (k < 0), 0.0, 0.5))
    return 0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, slopes[0]) - owens_t(k, slopes[1]) - other_side


def _over(value, rest):
    """``value / rest``, at ``rest = 0`` its limit: infinite, or 0 where both vanish."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(value == 0, 0.0, value / rest)


def _density(z):
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
