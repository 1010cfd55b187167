"""The pruning ratio of pure noise: the largest fraction of neurons whose removed energy is at most a given share.

A neuron with noise X in R^d has energy |X|^2; neurons are removed from the smallest energy on, until the removed energy
would exceed ``share`` of the total (*squared* norms: unsquared errors eps are share = eps^2). Noise types: I one scalar
copied to all d inputs, II independent coordinates, III isotropic; so d does not matter for I, and d = 1 is the same for all.
Derivations: guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import functools

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.compression import energies, pruning_law
from jaxprune.theory.compression.energies import Energy
from jaxprune.theory.numerics import roots
from jaxprune.theory.stable import positive

LOGIT = np.arange(-24.0, 24.1, 0.25)  # the mean over p, by the trapezoid rule
TABLE = 40
RANGE = 600.0  # exponent of energies
NORMAL = 1e-6  # from alpha = 2: closer to it nothing can be told apart, and the laws of energies cost much


@arguments.broadcasts
def gaussian_pruning_ratio(dim: ArrayLike = 1, share: ArrayLike = 0.1):
    """The pruning ratio of many Gaussian neurons in R^d, the control at alpha = 2 (type I: dim = 1).

    Equation: F_d(F^{-1}_{d+2}(share)), F_d the distribution function of chi^2_d; share for dim = inf. Regime: limit, n to
    infinity. Source: guide/compression.md, Pruning ratio.

    Args:
        dim: Number d of inputs, whole and >= 1, or infinite.
        share: Share of the energy that may be removed, in (0, 1).

    Returns:
        The ratio, in (0, 1), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless dim is whole (or infinite) and 0 < share < 1.
    """
    dim, share = np.broadcast_arrays(_dimension(dim), _share(share))
    finite = np.where(np.isfinite(dim), dim, 1.0)
    ratio = special.gammainc(finite / 2, special.gammaincinv(finite / 2 + 1, share))
    return plain(np.where(np.isfinite(dim), ratio, share))


@arguments.broadcasts
def pruning_ratio_quantile(
    p: ArrayLike, alpha: ArrayLike, n: ArrayLike, dim: ArrayLike = 1, noise: str | int = "I", share: ArrayLike = 0.1
):
    """The pruning ratio j/n that ``n`` neurons of pure noise do not exceed with probability ``p``.

    Equation: that of ``pruning_law``, exact at every n. Where energies are beyond the range of floats ((n
    10^3)^(2/alpha) > 10^260), the limit n to infinity: ratio = P(|X|^2 <= y), E[|X|^2; |X|^2 <= y] = share S n^{2/alpha-1},
    S = (C Gamma(1-alpha/2))^{2/alpha} A, C the tail constant of |X| and A positive (alpha/2)-stable, at its p-quantile. The law
    of |X|^2 is exact for type I, for d = 1, for type III at every d (2 A chi^2_d), and at ``dim`` = inf, where II and III are
    both A up to scale; for type II at finite d it is the exact one too, by inversion of its Laplace transform, if alpha >= 0.5
    and dim <= 1000, else that of type III (the ratios of II and III differ by 3e-4 at most, there by 1e-6). Regime: exact, to
    about 1e-4 in p (see ``pruning_law``), a second per law. Source: guide/compression.md, Pruning ratio.

    Args:
        p: Probability, in (0, 1).
        alpha: Stability index of the noise, in (0, 2].
        n: Number of neurons, whole and >= 1.
        dim: Number d of inputs, whole and >= 1, or infinite; without effect for type I.
        noise: Type of the noise, "I", "II", "III" or 1, 2, 3; one for all.
        share: Share of the energy that may be removed, in (0, 1).

    Returns:
        The ratio, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < p < 1, 0 < alpha <= 2, n whole, dim whole or infinite, 0 < share < 1, noise I, II, III or 1, 2,
            3.
    """
    p = arguments.probability("p", p)
    return _each(_quantiles, p, alpha, n, dim, noise, share)


@arguments.broadcasts
def pruning_ratio_mean(alpha: ArrayLike, n: ArrayLike, dim: ArrayLike = 1, noise: str | int = "I", share: ArrayLike = 0.1):
    """The mean pruning ratio of ``n`` neurons of pure noise.

    Equation: sum over 0 < k < n of P(ratio >= k/n)/n; int_0^1 pruning_ratio_quantile(p) dp in the limit. Regime: as there, to
    about 1e-5. Source: guide/compression.md, Pruning ratio.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        n: Number of neurons, whole and >= 1.
        dim: Number d of inputs, whole and >= 1, or infinite; without effect for type I.
        noise: Type of the noise, "I", "II", "III" or 1, 2, 3; one for all.
        share: Share of the energy that may be removed, in (0, 1).

    Returns:
        The mean, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``pruning_ratio_quantile`` does.
    """
    return _each(_mean, 0.5, alpha, n, dim, noise, share)


def _each(function, p, alpha, n, dim, noise, share):
    """``function`` for all p of each law at once."""
    kind = arguments.noise_type("noise", noise)
    alpha, n, share = arguments.index("alpha", alpha), arguments.whole("n", n), _share(share)
    dim = np.where(kind == 1, 1.0, _dimension(dim))
    p, alpha, n, dim, share = np.broadcast_arrays(p, alpha, n, dim, share)
    result, laws = np.empty(p.shape), np.stack([x.ravel() for x in (alpha, n, dim, share)])
    for law in np.unique(laws, axis=1).T:
        here = np.all(laws == law[:, None], axis=0).reshape(p.shape)
        result[here] = function(p[here], *law, kind)
    return plain(result)


def _quantiles(p: Array, *law) -> Array:
    if (ratio := _certain(*law)) is not None:
        return np.full(p.shape, ratio)
    known = _exact(*law)
    return _limits(p, 1 - p, *law) if known is None else known.quantile(p)


def _mean(p: Array, *law) -> float:
    if (ratio := _certain(*law)) is not None:
        return ratio
    known = _exact(*law)
    if known is not None:
        return known.mean()
    weights = special.expit(LOGIT) * special.expit(-LOGIT)
    return weights @ _limits(special.expit(LOGIT), special.expit(-LOGIT), *law) / np.sum(weights)


def _certain(alpha: float, n: float, dim: float, share: float, kind: int) -> float | None:
    """The ratio of one neuron, and of equal energies; None of others."""
    equal = n == 1 or (2 - alpha < NORMAL and np.isinf(dim))
    return float(np.floor(share * n * (1 + 1e-12)) / n) if equal else None


@functools.lru_cache(maxsize=256)
def _exact(alpha: float, n: float, dim: float, share: float, kind: int) -> pruning_law.Counts | None:
    """The law of the ratio; None where energies are beyond the floats."""
    alpha = 2.0 if 2 - alpha < NORMAL else alpha
    if 2 / alpha * np.log(1e3 * n) > RANGE:
        return None
    energy, complement = energies.law_of(alpha, dim, kind), pruning_law.complement(alpha, dim, kind)
    return pruning_law.counts(pruning_law.Law(int(n), share, energy, pruning_law.quantiles(energy), complement))


def _limits(p: Array, upper: Array, alpha: float, n: float, dim: float, share: float, kind: int) -> Array:
    """Ratios at probabilities ``p`` = 1 - ``upper`` under one law, for many neurons."""
    a, energy = alpha / 2, energies.law_of(alpha, dim, kind)
    with np.errstate(divide="ignore"):
        log_total = np.log(positive.quantile(upper, a)) + (1 / a - 1) * np.log(n) + energy.log_scale
    return _below(energy, np.log(share) + log_total, a)


def _below(energy: Energy, log_removed: Array, a: float) -> Array:
    """P(|X|^2 <= y) where the energy below y is as given; 1 where P(|X|^2 > y) is below e^-32, or y above e^650."""
    top = min(energy.log_scale + 32 / a, 650.0)
    within = log_removed < _log_truncated(energy, np.array([top]))
    ratio = np.ones(log_removed.shape)
    if np.any(within):
        target = log_removed[within]
        guess, error = _guess(energy, target, top)
        log_y = _root(energy, target, guess - error, guess + error, 1e-11)
        ratio[within] = energy.cdf(log_y)
    return ratio


def _guess(energy: Energy, target: Array, top: float) -> tuple[Array, Array | float]:
    """Roots to a fraction of a percent, from a table, which saves most of the evaluations for many probabilities."""
    ends = np.array([np.min(target), np.max(target)])
    start = np.minimum(ends, energy.log_scale) - 1
    low, high = _root(energy, ends, start, np.full(2, top), 1e-3)
    if target.size < TABLE:
        return np.full(target.shape, 0.5 * (low + high)), 0.5 * (high - low) + 0.01
    table = np.linspace(low - 0.1, high + 0.1, TABLE)
    return np.interp(target, np.maximum.accumulate(_log_truncated(energy, table)), table), 0.25 * (table[1] - table[0])


def _root(energy: Energy, target: Array, low: Array, high: Array, tolerance: float) -> Array:
    """The log y at which the energy below y has the logarithm ``target``."""
    return roots.bracketed(lambda x, goal: _log_truncated(energy, x) - goal, low, high, target, tolerance=tolerance)


def _log_truncated(energy: Energy, log_y: Array) -> Array:
    # Far out, where the energy nears the range of floats, the laws estimate the cost of their quadrature as inf - inf.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.maximum(np.log(energy.truncated(log_y)), -1e4)


def _share(share: ArrayLike) -> Array:
    return arguments.inside("share", share, 0, 1, cure="give the share of the squared norm that may be removed")


def _dimension(dim: ArrayLike) -> Array:
    array = arguments.inside("dim", dim, 1, np.inf, "[]", "give the number of inputs of a neuron")
    if np.any(np.isfinite(array) & (array != np.floor(array))):
        raise ValueError(f"dim: {dim} is not a whole number; round it yourself, or pass infinity")
    return array
