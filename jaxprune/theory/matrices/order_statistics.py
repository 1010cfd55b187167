"""Magnitudes of N independent Pareto entries by rank, exact at every N: |a|_(k) = U_(k)^(-1/alpha), U uniform.

Derivations: guide/matrices.md, Order statistics.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.matrices import checks
from jaxprune.theory.numerics.gamma import log_product

AT_TWO = 1e-30  # stands for 1 - c = 0, where the energy is continuous


@arguments.broadcasts
def order_moment(N: ArrayLike, k: ArrayLike, tail_index: ArrayLike, p: ArrayLike = 1):
    """E |a|_(k)^p of the k-th largest of ``N`` Pareto magnitudes of scale 1.

    Equation: Gamma(N+1) Gamma(k-c) / (Gamma(k) Gamma(N+1-c)), c = p/alpha. Regime: exact, relative error about 1e-14 max(1, c).
    Source: guide/matrices.md, Order statistics.

    Args:
        N, k: Number of entries and the rank, whole, 1 <= k <= N; rank 1 is the largest.
        tail_index: Index alpha of the entries, > 0.
        p: Power of the magnitude, any real number with |p/alpha| <= 1e6.

    Returns:
        The moment, infinite for k <= c, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 1 <= k <= N are whole and 0 < tail_index < inf, for |c| above 1e6, and for a finite moment that is no
            float.
    """
    size, rank = arguments.whole("N", N), arguments.whole("k", k)
    if np.any(rank > size):
        raise ValueError(f"k: {arguments.shown(k)} exceeds N = {arguments.shown(N)}; ranks go from 1, the largest, to N")
    c = checks.moderate(arguments.finite("p", p, "give the power of the magnitude") / checks.tail_index(tail_index))
    size, rank, c = np.broadcast_arrays(size, rank, c)
    infinite = (least := _distance(rank, tail_index, p)) <= 0
    with np.errstate(over="ignore"):
        value = np.exp(_log(rank, size + 1 - rank, np.where(infinite, 0.0, c), np.where(infinite, rank, least)))
    return checks.representable("p", np.where(infinite, np.inf, value), "lower p or raise k", infinite)


@arguments.broadcasts
def discarded_energy(N: ArrayLike, s: ArrayLike, tail_index: ArrayLike):
    """E sum_{k>s} a_(k)^2, the energy beyond the ``s`` largest of ``N`` Pareto magnitudes of scale 1.

    Equation: [N - Gamma(N+1) Gamma(s+1-c) / (Gamma(N+1-c) Gamma(s))] / (1-c), c = 2/alpha; at alpha = 2 its limit N
    (psi(N) - psi(s)). Regime: exact, without the cancellation at c = 1 and s = N; relative error about 1e-14 max(1, c).
    Source: guide/matrices.md, Order statistics.

    Args:
        N, s: Numbers of all and of kept entries, whole, N >= 1 and 0 <= s <= N.
        tail_index: Index alpha of the entries, >= 2e-6.

    Returns:
        The energy, infinite for s + 1 <= c < inf and 0 for s = N, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 <= s <= N are whole and 0 < tail_index < inf, for c above 1e6, and for a finite energy that is no
            float.
    """
    (kept, size), alpha = checks.kept_of(s, N), checks.tail_index(tail_index)
    checks.moderate(2 / alpha)
    kept, size, rest = np.broadcast_arrays(kept, size, (alpha - 2) / alpha)  # 1 - c
    least = _distance(kept + 1, tail_index, 2)  # kept + rest
    infinite, rest = (least <= 0) & (kept < size), np.where(rest == 0, AT_TWO, rest)
    inside = ~infinite & (kept > 0) & (kept < size)
    first, left, shift = np.where(inside, kept, 1.0), np.where(inside, size - kept, 0.0), np.where(inside, -rest, 0.0)
    with np.errstate(over="ignore"):
        log = _log(first, left, shift, np.where(inside, least, 1.0))
        value = size * np.where(kept == 0, 1 / rest, -np.expm1(log) / rest)
    value = np.where(kept == size, 0.0, np.where(infinite, np.inf, value))
    return checks.representable("tail_index", value, "raise it, or s", infinite)


@arguments.broadcasts
def ratio_cdf(eps: ArrayLike, s: ArrayLike, tail_index: ArrayLike):
    """P(|a|_(s+1) <= eps |a|_(1)), of the first entry dropped against the largest.

    Equation: 1 - (1 - eps^alpha)^s, as the ratio to the power alpha is Beta(1, s). Regime: exact for Pareto entries, any number
    of them above s. Source: guide/matrices.md, Order statistics.

    Args:
        eps: Ratio to the largest magnitude, in (0, 1).
        s: Number of kept entries, whole and >= 1.
        tail_index: Index alpha of the entries, > 0.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps < 1, s >= 1 is whole and 0 < tail_index < inf.
    """
    eps = arguments.inside("eps", eps, 0, 1, cure="give a ratio to the largest magnitude, above 0 and below 1")
    kept, alpha = arguments.whole("s", s), checks.tail_index(tail_index)
    return plain(-np.expm1(kept * _log_above(eps, alpha)))


@arguments.broadcasts
def ratio_moment(s: ArrayLike, tail_index: ArrayLike, p: ArrayLike = 1):
    """E (|a|_(s+1)/|a|_(1))^p.

    Equation: Gamma(s+1) Gamma(1+p/alpha) / Gamma(s+1+p/alpha). Regime: exact for Pareto entries, any number of them above s.
    Source: guide/matrices.md, Order statistics.

    Args:
        s: Number of kept entries, whole and >= 1.
        tail_index: Index alpha of the entries, > 0.
        p: Power of the ratio, >= 0, with p/alpha <= 1e6.

    Returns:
        The moment, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless s >= 1 is whole, p >= 0 and 0 < tail_index < inf, and for p/alpha above 1e6.
    """
    kept, alpha = arguments.whole("s", s), checks.tail_index(tail_index)
    return plain(np.exp(log_product(1.0, kept, -checks.moderate(arguments.size("p", p) / alpha))))


@arguments.broadcasts
def entry_ratio_count(eps: ArrayLike, delta: ArrayLike, tail_index: ArrayLike):
    """The fewest kept entries that leave none above eps times the largest, except with probability ``delta``.

    Equation: ceil(log(delta) / log(1 - eps^alpha)), about eps^-alpha log(1/delta). Regime: exact for Pareto entries, any number
    of them. Source: guide/matrices.md, Order statistics.

    Args:
        eps: Ratio to the largest magnitude, in (0, 1).
        delta: Probability of failure, in (0, 1).
        tail_index: Index alpha of the entries, > 0.

    Returns:
        Whole numbers >= 1 as floats, to 14 digits, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps, delta < 1 and 0 < tail_index < inf, and for a count that is no float.
    """
    eps = arguments.inside("eps", eps, 0, 1, cure="give a ratio to the largest magnitude, above 0 and below 1")
    delta = arguments.probability("delta", delta)
    with np.errstate(divide="ignore"):
        count = np.log(delta) / _log_above(eps, checks.tail_index(tail_index))
    return checks.representable("eps", checks.whole_above(count), "raise it")


@arguments.broadcasts
def expected_log_range(s: ArrayLike, tail_index: ArrayLike):
    """E log(|a|_(1)/|a|_(s)), what a quantiser of the ``s`` kept magnitudes has to span.

    Equation: (psi(s) - psi(1)) / alpha. Regime: exact for Pareto entries, any number of them.
    Source: guide/matrices.md, Quantiser.

    Args:
        s: Number of kept entries, whole and >= 1.
        tail_index: Index alpha of the entries, > 0.

    Returns:
        The mean, >= 0, in nats, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless s >= 1 is whole and 0 < tail_index < inf, and for a mean that is no float.
    """
    kept, alpha = arguments.whole("s", s), checks.tail_index(tail_index)
    return checks.representable("tail_index", (special.digamma(kept) + np.euler_gamma) * (kept > 1) / alpha, "raise it")


def _distance(rank: Array, tail_index: ArrayLike, p: ArrayLike) -> Array:
    """rank - p/alpha, which may be tiny, with its digits: p/alpha is not rounded."""
    alpha = np.asarray(tail_index, np.longdouble)
    return np.asarray((rank * alpha - np.asarray(p, np.longdouble)) / alpha, np.float64)


def _log(first: Array, count: Array, shift: Array, least: Array) -> Array:
    """``log_product``, with ``least`` = first - shift known to its own digits."""
    near = (least < first / 2) & (count > 0)
    start = np.log(first / np.where(near, least, first))
    return start + log_product(first + near, count - near, shift)


def _log_above(eps, alpha):
    """log(1 - eps^alpha), also where eps^alpha is next to 0 or to 1."""
    log = alpha * np.log(eps)
    return np.where(log < -0.7, np.log1p(-np.exp(np.minimum(log, -0.7))), np.log(-np.expm1(np.maximum(log, -0.7))))
