"""Laws of the energy |X|^2 of one neuron's noise in R^d: its distribution function and its truncated mean.

Derivations: guide/compression.md.
"""

import numpy as np
from scipy import special

from jaxprune.theory import stable
from jaxprune.theory.numerics import laplace_inversion
from jaxprune.theory.stable import positive
from jaxprune.theory.stable.norms import Energy, exp, isotropic

MANY = 1000  # coordinates


def law_of(alpha: float, dim: float, kind: int) -> Energy:
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


def _scalar(alpha: float) -> Energy:
    log_scale = 2 / alpha * (np.log(stable.tail_constant(alpha)) + special.gammaln(1 - alpha / 2))
    return Energy(
        lambda log_y: stable.truncated_moment(exp(log_y / 2), 2.0, alpha),
        lambda log_y: stable.abs_cdf(exp(log_y / 2), alpha),
        float(log_scale),
    )


def _normal(dim: float) -> Energy:
    """2 chi^2_d, whose sums are no stable law but about 2 n d."""
    return Energy(
        lambda log_y: 2 * dim * special.gammainc(dim / 2 + 1, exp(log_y) / 4),
        lambda log_y: special.gammainc(dim / 2, exp(log_y) / 4),
        float(np.log(2 * dim)),
    )


def _positive(a: float) -> Energy:
    return Energy(lambda log_y: positive.truncated_mean(exp(log_y), a), lambda log_y: positive.cdf(exp(log_y), a), 0.0)
