"""The norm of an isotropic stable X = sqrt(2 A) G in R^d, A positive (alpha/2)-stable and G normal: |X|^2 is 2 A chi^2_d.

``norm_sf`` is right far out and next to alpha = 2, one radius at a time; ``isotropic`` makes one rule for many radii.
Derivations: guide/stable.md, Isotropic vectors.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, each, half_line
from jaxprune.theory.numerics.gamma import log_ratio
from jaxprune.theory.stable import positive

COST = 300  # of a distribution function of A, in units of one of chi^2
GAUSS = np.polynomial.legendre.leggauss(16)
REACH = 14.0  # of |G| beyond its mode, where exp(-REACH^2/2) is far below any 2 - alpha
GRADED = np.concatenate([np.arange(-8.0, 8.0), 8.0 * 1.5 ** np.arange(40)])


class Energy(NamedTuple):
    """``truncated(log y)`` = E[|X|^2; |X|^2 <= y], ``cdf(log y)`` = P(|X|^2 <= y), for arrays of one axis; the energy of
    n neurons is about n^{2/alpha} exp(``log_scale``) A with A positive (alpha/2)-stable."""

    truncated: Callable[[Array], Array]
    cdf: Callable[[Array], Array]
    log_scale: float


def norm_sf(r: ArrayLike, alpha: ArrayLike, dim: ArrayLike) -> Any:
    """P(|X|_2 > r) of the isotropic law in R^d, the same as ``abs_sf`` for d = 1.

    Equation: X = sqrt(2 A) G with A positive (alpha/2)-stable and G normal gives E F(r^2/(2 |G|^2)), F the survival function
    of A, by quadrature over |G|; Q(d/2, r^2/4) for alpha = 2, Q the regularised upper incomplete gamma function.
    Regime: exact, any r (1 for r <= 0), relative accuracy about 1e-12 in the far tail too.
    Source: guide/stable.md, Isotropic vectors.
    """
    index, r, dim = arguments.index("alpha", alpha), arguments.real("r", r), arguments.whole("dim", dim)

    def of_law(a, r, d):
        return each(lambda k, t: half_line(t, 1.0, 0.0, lambda y: _norm_sf(y, a, k)), d, r)

    return each(of_law, index, r, dim)


@lru_cache(maxsize=64)
def isotropic(alpha: float, dim: float) -> Energy:
    """The law of 2 A chi^2_d.

    Equation: F(y) = E F_A(y / 2 chi), E[2 A chi; 2 A chi <= y] = E[2 chi M_A(y / 2 chi)], by quadrature over log chi; or
    over A, with the distribution functions of chi^2_d and chi^2_{d+2}, whichever costs less (the first for huge d).
    Regime: exact. Source: guide/compression.md, Noise types.
    """
    a, spread = alpha / 2, np.sqrt(2 / dim)
    ends = np.log(dim) - 9 * spread - 40 / (dim / 2 + a), np.log(dim + 12 * np.sqrt(2 * dim) + 90)
    log_chi = np.arange(*ends, min(spread / 2, 0.2, (1 - a) / 4))
    logit = np.arange(-40.0, 40.0, a * min(spread / 1.5, 0.2))
    log_scale = 2 * np.log(2) + float(log_ratio(dim / 2, a)) / a
    if COST * len(log_chi) < len(logit):
        weights = np.exp(dim / 2 * (log_chi - np.log(dim)) - (np.exp(log_chi) - dim) / 2)
        return _over_chi(a, np.log(2) + log_chi, weights / np.sum(weights), log_scale)
    return _over_positive(a, dim, logit, log_scale)


def _over_chi(a: float, log_factor: Array, weights: Array, log_scale: float) -> Energy:
    def mixture(function, factor):
        def value(log_y):
            return function(exp(log_y[:, None] - log_factor), a) @ (weights * factor)

        return value

    return Energy(mixture(positive.truncated_mean, np.exp(log_factor)), mixture(positive.cdf, 1.0), float(log_scale))


def _over_positive(a: float, dim: float, logit: Array, log_scale: float) -> Energy:
    logit = logit[special.expit(logit) < 1]
    weights = (logit[1] - logit[0]) * special.expit(logit) * special.expit(-logit)
    log_a = positive.log_quantile(special.expit(logit), a)

    def mixture(shape, factor):
        def value(log_y):
            return special.gammainc(shape, exp(log_y[:, None] - log_a) / 4) @ (weights * factor)

        return value

    held = np.exp(np.minimum(log_a, 700.0))  # what is left out there is beyond the floats
    return Energy(mixture(dim / 2 + 1, 2 * dim * held), mixture(dim / 2, 1.0), log_scale)


def _norm_sf(r, alpha, dim):
    if alpha == 2:
        return special.gammaincc(dim / 2, np.square(np.minimum(r, 1e100) / 2))
    middle = np.log(positive.quantile(0.5, alpha / 2)) if alpha > 1 else 0.0
    return np.array([_over_norms(log_r, alpha / 2, dim, middle) for log_r in np.log(r)])


def _over_norms(log_r, a, dim, middle):
    """E P(A > r^2/(2 |G|^2)). The weight is as wide as a normal density; F(exp y) turns at ``middle``, where A has its mass
    as a -> 1, within (1 - a)/a: panels are graded towards that place, and towards |G| = 0."""
    mode = np.sqrt(dim - 1)
    low, high = max(mode - REACH, 0.0), mode + REACH
    turn = np.exp(np.clip(log_r - 0.5 * (np.log(2) + middle + (1 - a) / a * GRADED), -700, 700))
    edges = np.concatenate([np.arange(low, high), [high], turn, 0.25 ** np.arange(30)])
    edges = np.unique(edges[(edges >= low) & (edges <= high)])
    half = 0.5 * np.diff(edges)[:, None]
    norm = (edges[:-1, None] + half * (1 + GAUSS[0])).ravel()
    away = norm - mode
    logs = -0.5 * away**2
    if dim > 1:
        with np.errstate(divide="ignore"):
            logs += (dim - 1) * (np.log1p(away / mode) - away / mode)
    weights = np.exp(logs) * (half * GAUSS[1]).ravel()
    return np.sum(weights * positive.tails(2 * (log_r - np.log(norm)) - np.log(2), a)[0]) / np.sum(weights)


def exp(log_y: Array) -> Array:
    """0 or infinity beyond the floats."""
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(log_y)
