"""Shares of the energy of a large matrix with tail index below 2: the Poisson-Dirichlet law PD(alpha/2, 0), without N.

Derivations: guide/matrices.md, Shares.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.matrices import checks

CURE = "give a fraction of the Frobenius norm"


@arguments.broadcasts
def count_above(tau: ArrayLike, tail_index: ArrayLike):
    """The mean number of entries with |a| > tau ||A||_F.

    Equation: sinc(b) ((1 - tau^2)/tau^2)^b with b = alpha/2, sinc(b) = sin(pi b)/(pi b). Regime: limit of many entries.
    Source: guide/matrices.md, Shares.

    Args:
        tau: Threshold as a fraction of the Frobenius norm, in (0, 1).
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The mean number, a real number, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < tau < 1 and 0 < tail_index < 2, and for a count that is no float.
    """
    tau, alpha = arguments.inside("tau", tau, 0, 1, cure=CURE), checks.heavy(tail_index)
    return checks.representable("tau", _count(_log_odds(tau), alpha), "raise it")


@arguments.broadcasts
def discarded_at_threshold(tau: ArrayLike, tail_index: ArrayLike):
    """The mean share of the energy in entries with |a| <= tau ||A||_F.

    Equation: I_{tau^2}(1 - b, b), b = alpha/2, I the regularised incomplete beta function. Regime: limit of many entries; of
    Pareto entries off by about N^(1-2/alpha), so not for a tau near N^(-1/2) of few entries. Source: guide/matrices.md, Shares.

    Args:
        tau: Threshold as a fraction of the Frobenius norm, in (0, 1).
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The share, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < tau < 1 and 0 < tail_index < 2.
    """
    tau, alpha = arguments.inside("tau", tau, 0, 1, cure=CURE), checks.heavy(tail_index)
    return plain(_below(tau**2, (1 - tau) * (1 + tau), 2 * np.log(tau), alpha))


@arguments.broadcasts
def sampling_count(x: ArrayLike, tail_index: ArrayLike):
    """The mean of sum min(1, a^2/(x ||A||_F^2)), what sampling entries in proportion to their energy keeps.

    Equation: count_above + discarded_at_threshold/x at tau^2 = x; 1/x for x >= 1. Of order x^-b, b = alpha/2. Regime: limit of
    many entries. Source: guide/matrices.md, Shares.

    Args:
        x: Fraction of the energy from which on an entry is surely kept, > 0.
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The mean number, a real number, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < x < inf and 0 < tail_index < 2, and for a count that is no float.
    """
    x, alpha = np.broadcast_arrays(arguments.positive("x", x, "give a fraction of the energy"), checks.heavy(tail_index))
    small = np.where(x < 1, x, 0.5)
    sampled = _count(np.log1p(-small) - np.log(small), alpha) + _below(small, 1 - small, np.log(small), alpha) / small
    return checks.representable("x", np.where(x < 1, sampled, 1 / x), "raise it")


def stable_rank(tail_index: ArrayLike):
    """The mean of ||A||_F^2 / max a^2, which is the stable rank, as ||A||_2 is close to the largest entry.

    Equation: 2/(2 - alpha). Regime: limit. Source: guide/matrices.md, Shares.

    Args:
        tail_index: Index alpha of the entries, in (0, 2), of any shape.

    Returns:
        The mean, > 1, of the shape of ``tail_index``; a float for a scalar.

    Raises:
        ValueError: Unless 0 < tail_index < 2.
    """
    return plain(2 / (2 - checks.heavy(tail_index)))


def participation(tail_index: ArrayLike):
    """The mean of sum a^4 / (sum a^2)^2, also of the coordinates of A x for a generic x.

    Equation: 1 - alpha/2. Regime: limit; random also in the limit. Source: guide/matrices.md, Shares.

    Args:
        tail_index: Index alpha of the entries, in (0, 2), of any shape.

    Returns:
        The mean, in (0, 1), of the shape of ``tail_index``; a float for a scalar.

    Raises:
        ValueError: Unless 0 < tail_index < 2.
    """
    return plain((2 - checks.heavy(tail_index)) / 2)


@arguments.broadcasts
def one_sd_kept(N: ArrayLike, tail_index: ArrayLike):
    """The mean number of ``N`` entries above their root mean square, which the released split of the paper keeps.

    Equation: count_above at tau = N^(-1/2), sinc(b) (N - 1)^b with b = alpha/2. Regime: limit; met slowly by stable entries (at
    alpha = 1.6 and N = 640 they keep about 1.6 times as many). Source: guide/matrices.md, Released split.

    Args:
        N: Number of entries, whole and >= 2.
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The mean number, a real number, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless N >= 2 is whole and 0 < tail_index < 2.
    """
    size, alpha = arguments.whole("N", N, 2), checks.heavy(tail_index)
    return plain(_count(np.log(size - 1), alpha))


@arguments.broadcasts
def one_sd_discarded(N: ArrayLike, tail_index: ArrayLike):
    """The mean share of the energy in those of ``N`` entries that are below their root mean square.

    Equation: discarded_at_threshold at tau = N^(-1/2), I_{1/N}(1 - b, b) with b = alpha/2. Regime: limit; Pareto entries of
    index 1.2 discard 0.86, 0.90 and 0.95 times as much at N = 640, 4,000 and 20,000. Source: guide/matrices.md, Released split.

    Args:
        N: Number of entries, whole and >= 2.
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The share, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless N >= 2 is whole and 0 < tail_index < 2.
    """
    size, alpha = arguments.whole("N", N, 2), checks.heavy(tail_index)
    return plain(_below(1 / size, 1 - 1 / size, -np.log(size), alpha))


def _log_odds(tau: Array) -> Array:
    return np.log1p(-tau) + np.log1p(tau) - 2 * np.log(tau)


def _count(log_odds: Array, alpha: Array) -> Array:
    angle = np.pi / 2 * np.where(alpha > 1, 2 - alpha, alpha)  # next to 2 the sine of its complement has the digits
    with np.errstate(over="ignore"):
        return np.sin(angle) / (np.pi / 2 * alpha) * np.exp(alpha / 2 * log_odds)


def _below(x: Array, rest: Array, log_x: Array, alpha: Array) -> Array:
    """I_x(1 - b, b), where x and 1 - x are both given; by its leading terms where x is so small that it may vanish."""
    b, far = alpha / 2, (2 - alpha) / 2
    tiny = np.sin(np.pi * np.minimum(b, far)) / (np.pi * far) * np.exp(far * log_x)
    tiny = tiny * (1 + far * far / (1 + far) * x)
    value = np.where(rest < 0.5, special.betaincc(b, far, rest), special.betainc(far, b, x))
    return np.where(x < 1e-9, tiny, value)
