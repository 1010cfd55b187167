"""Level sets of stable entries: level i holds those in (c^(i-1), c^i], c > 1. Derivations: guide/matrices.md, Level sets."""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments, stable
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.matrices import checks


@arguments.broadcasts
def level_probability(level: ArrayLike, tail_index: ArrayLike, base: ArrayLike) -> Any:
    """P(c^(i-1) < a <= c^i) of one symmetric stable entry by its power tail.

    Equation: (C/2) c^(-alpha (i-1)) (1 - c^-alpha), C/2 = sin(pi alpha/2) Gamma(alpha)/pi the constant of one side.
    Regime: limit of high levels, and no probability in low ones. Source: guide/matrices.md, Level sets.

    Args:
        level: Level i, whole and >= 1.
        tail_index: Index alpha of the entry, in (0, 2).
        base: Ratio c of two levels, > 1.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless level >= 1 is whole, base > 1 and 0 < tail_index < 2.
    """
    level, alpha, log = _checked(level, tail_index, base)
    return plain(stable.tail_constant(alpha) / 2 * np.exp(-alpha * (level - 1) * log) * -np.expm1(-alpha * log))


@arguments.broadcasts
def exact_level_probability(level: ArrayLike, tail_index: ArrayLike, base: ArrayLike) -> Any:
    """P(c^(i-1) < a <= c^i) of one symmetric stable entry.

    Equation: half the difference of P(|a| > t) at the two ends. Regime: exact, to about 1e-12 of the probability above c^(i-1).
    Source: guide/matrices.md, Level sets; stable.md, Contour integrals.

    Args:
        level: Level i, whole and >= 1.
        tail_index: Index alpha of the entry, in (0, 2).
        base: Ratio c of two levels, > 1.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``level_probability`` does, and where an end of the level is no float.
    """
    level, alpha, log = np.broadcast_arrays(*_checked(level, tail_index, base))
    with np.errstate(over="ignore"):
        ends = np.exp((level - 1) * log), np.exp(level * log)
    checks.representable("level", ends[1], "lower it")
    low, high = (np.asarray(stable.abs_sf(end, alpha)) for end in ends)
    return plain((low - high) / 2)


@arguments.broadcasts
def level_size(level: ArrayLike, levels: ArrayLike, base: ArrayLike) -> Any:
    """The k_i = c^(M-i) entries that may lie in level i of M, so that every level has the same sum.

    Source: guide/matrices.md, Level sets.

    Args:
        level, levels: Level i and the number M of levels, whole, 1 <= level <= levels.
        base: Ratio c of two levels, > 1.

    Returns:
        The size, a real number >= 1, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 1 <= level <= levels are whole and base > 1, and for a number that is no float.
    """
    level, many = arguments.whole("level", level), arguments.whole("levels", levels)
    if np.any(level > many):
        raise ValueError(f"level: {level} exceeds levels = {many}; count them from 1 to levels")
    with np.errstate(over="ignore"):
        size = _base(base) ** (many - level)
    return checks.representable("levels", size, "lower them")


@arguments.broadcasts
def chernoff_bound(k: ArrayLike, N: ArrayLike, probability: ArrayLike) -> Any:
    """A bound on the chance that at least ``k`` of ``N`` independent entries lie in a set of a ``probability`` p.

    Equation: (N p/k)^k ((1-p)/(1-k/N))^(N-k) for k > N p; 1 up to there, where it says nothing; p^N for k = N and 0 beyond.
    Regime: holds at every size. Source: guide/matrices.md, Level sets.

    Args:
        k: How many entries, a real number > 0.
        N: Number of all entries, whole and >= 1.
        probability: Chance p of one entry to lie in the set, in (0, 1).

    Returns:
        The bound, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < k < inf, N >= 1 is whole and 0 < probability < 1.
    """
    k, size, p = _counted(k, N, probability)
    share = np.minimum(k / size, 1.0)
    with np.errstate(under="ignore"):
        bound = np.exp(-size * (special.xlogy(share, share / p) + special.xlog1py(1 - share, -share) + _rest(share, p)))
    return plain(np.where(k > size, 0.0, np.where(share <= p, 1.0, np.minimum(bound, 1.0))))


@arguments.broadcasts
def binomial_tail(k: ArrayLike, N: ArrayLike, probability: ArrayLike) -> Any:
    """The chance that at least ``k`` of ``N`` independent entries lie in a set of a ``probability`` p.

    Equation: P(Bin(N, p) >= ceil(k)) = I_p(ceil(k), N - ceil(k) + 1). Regime: exact. Source: guide/matrices.md, Level sets.

    Args:
        k: How many entries, a real number > 0, which is rounded up.
        N: Number of all entries, whole and >= 1.
        probability: Chance p of one entry to lie in the set, in (0, 1).

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``chernoff_bound`` does.
    """
    k, size, p = _counted(k, N, probability)
    least = np.minimum(np.ceil(k), size)
    return plain(np.where(k > size, 0.0, special.betainc(least, size - least + 1, p)))


def _rest(share: Array, p: Array) -> Array:
    return -special.xlog1py(1 - share, -p)


def _counted(k, N, probability) -> tuple[Array, Array, Array]:
    k, size = arguments.positive("k", k, "give how many entries"), arguments.whole("N", N)
    k, size, p = np.broadcast_arrays(k, size, arguments.probability("probability", probability))
    return k, size, p


def _base(base: ArrayLike) -> Array:
    return arguments.inside("base", base, 1, np.inf, "()", "give the ratio of two levels, above 1")


def _checked(level, tail_index, base) -> tuple[Array, Array, Array]:
    alpha = checks.heavy(tail_index, "the stable law of index 2 is normal and has no power tail")
    return arguments.whole("level", level), alpha, np.log(_base(base))
