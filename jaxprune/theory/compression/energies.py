"""Laws of the energy |X|^2 of one neuron's noise in R^d: its distribution function and its truncated mean.

Derivations: guide/compression.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from jaxprune.theory import stable
from jaxprune.theory.arguments import Array
from jaxprune.theory.numerics import laplace_inversion
from jaxprune.theory.numerics.gamma import log_ratio
from jaxprune.theory.stable import positive

MANY = 1000  # coordinates
COST = 300  # of a distribution function of A, in units of one of chi^2


class Energy(NamedTuple):
    """``truncated(log y)`` = E[|X|^2; |X|^2 <= y], ``cdf(log y)`` = P(|X|^2 <= y), for arrays of one axis; the energy of
    n neurons is about n^{2/alpha} exp(``log_scale``) A with A positive (alpha/2)-stable."""

    truncated: Callable[[Array], Array]
    cdf: Callable[[Array], Array]
    log_scale: float


def of(alpha: float, dim: float, kind: int) -> Energy:
    """The law for noise of type ``kind`` (1, 2, 3) with ``dim`` inputs (1 for type I), finite at alpha = 2.

    Equation: d = 1: X^2. dim = inf: A, up to scale. Type III: 2 A chi^2_d. Type II: sum of d squares (2 A chi^2_d, which is
    close, for alpha < 0.5 and above MANY inputs).
    log_scale = (2/alpha) log(C Gamma(1-alpha/2)), C the tail constant of |X|. Regime: exact.
    Source: guide/compression.md, Noise types.
    """
    if alpha == 2:
        return _normal(dim)
    if dim == 1:
        return _scalar(alpha)
    if np.isinf(dim):
        return _positive(alpha / 2)
    return independent(alpha, dim) if stands_for(alpha, dim, kind) == 2 else isotropic(alpha, dim)


def stands_for(alpha: float, dim: float, kind: int) -> int:
    """The type of noise whose law is taken: type III for II where alpha < 0.5, or above MANY inputs, where ratios that
    follow from both laws hardly differ (3e-4 for 10 neurons of 3 inputs at 0.4, by simulation; less for more)."""
    return 3 if kind == 2 and alpha < 2 and dim > 1 and (alpha < 0.5 or dim > MANY) else kind


def independent(alpha: float, dim: float) -> Energy:
    """The law of X_1^2 + ... + X_dim^2 for independent symmetric stable X, alpha < 2.

    Equation: ``laplace_inversion.truncated_and_cdf``. Regime: exact to about 1e-9 of the whole.
    Source: guide/compression.md, Noise types.
    """
    return Energy(
        lambda log_y: np.maximum(laplace_inversion.truncated_and_cdf(log_y, alpha, dim)[0], 0.0),
        lambda log_y: np.clip(laplace_inversion.truncated_and_cdf(log_y, alpha, dim)[1], 0.0, 1.0),
        _scalar(alpha).log_scale + 2 / alpha * float(np.log(dim)),
    )


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
    # Below a = 0.1 the quantiles of A leave the range of floats.
    if a < 0.1 or COST * len(log_chi) < len(logit):
        weights = np.exp(dim / 2 * (log_chi - np.log(dim)) - (np.exp(log_chi) - dim) / 2)
        return _over_chi(a, np.log(2) + log_chi, weights / np.sum(weights), log_scale)
    return _over_positive(a, dim, logit, log_scale)


def _over_chi(a: float, log_factor: Array, weights: Array, log_scale: float) -> Energy:
    def mixture(function, factor):
        def value(log_y):
            return function(_exp(log_y[:, None] - log_factor), a) @ (weights * factor)

        return value

    return Energy(mixture(positive.truncated_mean, np.exp(log_factor)), mixture(positive.cdf, 1.0), float(log_scale))


def _over_positive(a: float, dim: float, logit: Array, log_scale: float) -> Energy:
    weights = (logit[1] - logit[0]) * special.expit(logit) * special.expit(-logit)
    with np.errstate(divide="ignore"):
        log_a = np.log(positive.quantile(special.expit(logit), a))
    keep = np.isfinite(log_a)
    log_a, weights = log_a[keep], weights[keep]

    def mixture(shape, factor):
        def value(log_y):
            return special.gammainc(shape, _exp(log_y[:, None] - log_a) / 4) @ (weights * factor)

        return value

    return Energy(mixture(dim / 2 + 1, 2 * dim * np.exp(log_a)), mixture(dim / 2, 1.0), log_scale)


def _scalar(alpha: float) -> Energy:
    log_scale = 2 / alpha * (np.log(stable.tail_constant(alpha)) + special.gammaln(1 - alpha / 2))
    return Energy(
        lambda log_y: stable.truncated_moment(_exp(log_y / 2), 2.0, alpha),
        lambda log_y: stable.abs_cdf(_exp(log_y / 2), alpha),
        float(log_scale),
    )


def _normal(dim: float) -> Energy:
    """2 chi^2_d, whose sums are no stable law but about 2 n d."""
    return Energy(
        lambda log_y: 2 * dim * special.gammainc(dim / 2 + 1, _exp(log_y) / 4),
        lambda log_y: special.gammainc(dim / 2, _exp(log_y) / 4),
        float(np.log(2 * dim)),
    )


def _positive(a: float) -> Energy:
    return Energy(lambda log_y: positive.truncated_mean(_exp(log_y), a), lambda log_y: positive.cdf(_exp(log_y), a), 0.0)


def _exp(log_y: Array) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(log_y)
