"""What is lost beyond the s largest entries, and how many to keep. Derivations: guide/matrices.md, Shares; Light tails."""

from __future__ import annotations  # help shows ArrayLike by its name

import functools

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.compression import expected_tail_share, kept_for_share
from jaxprune.theory.matrices import checks, finite, shares

LARGEST_SIZE = 1e15  # entries, of which every whole number is a float
LEAST_INDEX = 0.02  # of finite matrices: the grid of the integral grows like 1/alpha


@arguments.broadcasts
def expected_discarded_fraction(s: ArrayLike, tail_index: ArrayLike, N: ArrayLike | None = None):
    """E D_s, the mean share of the energy beyond the ``s`` largest entries: of ``N`` Pareto entries, or in the limit.

    Equation: without N, (1/G) int_0^inf l^-b e^-l (phi/psi)^s dl, b = alpha/2, G = Gamma(1-b), phi = e^-l - l^b Gamma(1-b, l),
    psi = phi + G l^b, about Gamma(1/b-1)/(b G) (s G)^(1-1/b) for large s. With N a double integral over the s-th entry and the
    rate of a Laplace transform. Regime: without N the limit of large matrices, every law with that tail index, alpha < 2, met
    like N^(1-2/alpha): slowly next to 2. With N exact for Pareto entries of any tail index, relative error about 1e-11.
    Source: guide/matrices.md, Shares, Finite matrices.

    Args:
        s: Number of kept entries, whole and >= 0, and <= N.
        tail_index: Index alpha of the entries, in (0, 2) without N, >= 0.02 with N.
        N: Number of all entries, whole, 1 <= N <= 1e15; None for the limit.

    Returns:
        The share, in [0, 1], 1 for s = 0 and 0 for s = N, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless s is whole and 0 <= s <= N, 0 < tail_index < 2 without N, 0.02 <= tail_index < inf and N <= 1e15 with
            N.
    """
    if N is None:
        alpha = checks.heavy(tail_index, "from 2 on a fixed number of entries carries nothing in the limit; give N")
        return expected_tail_share(alpha, 2.0, arguments.whole("s", s, 0))
    (kept, size), alpha = checks.kept_of(s, N), _index_of_finite(tail_index)
    _check_size(size)
    triples = np.broadcast_arrays(size, kept, alpha)
    values = [_share(*triple) for triple in zip(*(x.ravel() for x in triples), strict=True)]
    return plain(np.reshape(values, triples[0].shape))


@arguments.broadcasts
def entries_for_frobenius(eps: ArrayLike, tail_index: ArrayLike, N: ArrayLike | None = None):
    """The fewest kept entries with E D_s <= eps^2, a relative Frobenius error of eps in the root mean square.

    Equation: min{s : expected_discarded_fraction(s, tail_index, N) <= eps^2}; without N the leading term for small eps is that
    of ``count_scaling``. Regime: as ``expected_discarded_fraction``; near alpha = 2 the limit may ask for more entries than
    there are. Source: guide/matrices.md, Shares, Finite matrices.

    Args:
        eps: Relative Frobenius error, in (0, 1), whose square is at least 1e-290.
        tail_index: Index alpha of the entries, in (0, 2) without N, >= 0.02 with N.
        N: Number of all entries, whole, 1 <= N <= 1e15; None for the limit.

    Returns:
        Whole numbers as floats, of the broadcast shape, a float for scalars; without N counts above 1e9 have nine digits.

    Raises:
        ValueError: Unless 0 < eps < 1 and its square is a float, as ``expected_discarded_fraction`` does, and in the limit for
            a count above 1e270.
    """
    eps = arguments.relative_error("eps", eps)
    if N is None:
        alpha = checks.heavy(tail_index, "from 2 on the limit is a fraction of all entries, kept_fraction; or give N")
        return checks.representable("eps", kept_for_share(alpha, 2.0, _square(eps)), "raise it, or give N")
    size, alpha = arguments.whole("N", N), _index_of_finite(tail_index)
    _check_size(size)
    triples = np.broadcast_arrays(size, alpha, _square(eps))
    counts = [_least(*triple) for triple in zip(*(x.ravel() for x in triples), strict=True)]
    return plain(np.reshape(counts, triples[0].shape))


@arguments.broadcasts
def kept_fraction(eps: ArrayLike, tail_index: ArrayLike):
    """The fraction of all entries to keep for a relative Frobenius error of eps, tail index above 2.

    Equation: (1 - eps^2)^(alpha/(alpha-2)), from D_s -> 1 - kappa^(1-2/alpha) for Pareto entries. Regime: limit of large
    matrices. Source: guide/matrices.md, Light tails.

    Args:
        eps: Relative Frobenius error, in (0, 1).
        tail_index: Index alpha of the entries, > 2.

    Returns:
        The fraction, in [0, 1), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps < 1 and 2 < tail_index < inf.
    """
    eps, alpha = arguments.relative_error("eps", eps), checks.light(tail_index)
    with np.errstate(under="ignore", over="ignore"):
        return plain(np.exp(alpha / (alpha - 2) * (np.log1p(-eps) + np.log1p(eps))))


@arguments.broadcasts
def discarded_at_fraction(kappa: ArrayLike, tail_index: ArrayLike, order: ArrayLike = 2.0):
    """The limit of the share of sum |a|^order beyond a fraction ``kappa`` of Pareto entries.

    Equation: 1 - kappa^(1-order/alpha) for alpha > order, 0 otherwise. Regime: limit, almost sure.
    Source: guide/matrices.md, Light tails.

    Args:
        kappa: Fraction of the entries kept, in (0, 1].
        tail_index: Index alpha of the entries, > 0.
        order: Power of the magnitudes, > 0.

    Returns:
        The share, in [0, 1), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < kappa <= 1, 0 < order < inf and 0 < tail_index < inf.
    """
    kappa, order = arguments.fraction_kept(kappa), arguments.positive("order", order, "give the p of l_p")
    alpha = checks.tail_index(tail_index)
    return plain(-np.expm1(np.maximum((alpha - order) / alpha, 0.0) * np.log(kappa)))


@arguments.broadcasts
def sign_threshold_count(eps: ArrayLike, eta: ArrayLike, tail_index: ArrayLike):
    """The mean number of entries to keep for |u'(A^ - A)v| < eps ||A||_F |u| |v| except with probability ``eta``.

    Equation: entries above tau ||A||_F, tau = eps/sqrt(2 log(2/eta)): sinc(b) (2 log(2/eta)/eps^2 - 1)^b, b = alpha/2.
    Regime: the guarantee holds at every size for u, v independent of the signs of what is dropped (Hoeffding); the count is the
    limit of many entries. Source: guide/matrices.md, Bilinear forms.

    Args:
        eps: Relative error, in (0, 1).
        eta: Probability of failure, in (0, 1).
        tail_index: Index alpha of the entries, in (0, 2).

    Returns:
        The mean number, a real number, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps, eta < 1 and 0 < tail_index < 2, and for a count that is no float.
    """
    eps, eta = arguments.relative_error("eps", eps), arguments.probability("eta", eta)
    return shares.count_above(eps / np.sqrt(2 * (np.log(2) - np.log(eta))), checks.heavy(tail_index))


def count_scaling(tail_index: ArrayLike):
    """The constant c and exponent e of s ~ c eps^-e kept entries for a relative Frobenius error of eps, in the limit.

    Equation: e = 2 alpha/(2 - alpha), c = (Gamma(1/b-1)/(b G))^(e/2) / G with b = alpha/2, G = Gamma(1-b). Regime: limit of
    large matrices, then of small eps. Source: guide/matrices.md, Shares.

    Args:
        tail_index: Index alpha of the entries, in (0, 2), of any shape.

    Returns:
        (constant c, exponent e), each of the shape of ``tail_index``; floats for a scalar.

    Raises:
        ValueError: Unless 0 < tail_index < 2, and for a constant that is no float.
    """
    alpha = checks.heavy(tail_index)
    b, far = alpha / 2, (2 - alpha) / 2
    log = (special.gammaln(far / b) - np.log(b)) * (b / far) - special.gammaln(far)
    log -= special.gammaln(far) * (b / far)
    with np.errstate(over="ignore"):
        return checks.representable("tail_index", np.exp(log), "lower it"), plain(alpha / far)


def _index_of_finite(tail_index: ArrayLike) -> Array:
    cure = "the integral of finite matrices needs 0.02 or more; the limit without N holds there"
    return arguments.inside("tail_index", tail_index, LEAST_INDEX, np.inf, "[)", cure)


def _check_size(size: Array) -> None:
    if np.any(size > LARGEST_SIZE):
        raise ValueError(f"N: {np.max(size):g} is above {LARGEST_SIZE:g}, where whole numbers are no floats; leave N out")


def _square(eps: Array) -> Array:
    square = eps**2
    if np.any(square < 1e-290):
        raise ValueError(f"eps: the square of {np.min(eps):g} is no float; raise it")
    return square


@functools.lru_cache(maxsize=4096)  # searches for bounds of many sample sizes ask for the same counts
def _share(size: float, kept: float, alpha: float) -> float:
    return float(kept == 0) if kept in (0, size) else finite.expected_share(float(size), float(kept), float(alpha))


def _least(size: float, alpha: float, share: float) -> float:
    """Bisection, in logarithms while the ends are far apart; keeping all leaves nothing."""
    low, high = 0.0, float(size)
    while high - low > 1:
        middle = np.floor(np.sqrt((low + 1) * high)) if high > 2 * low + 2 else np.floor((low + high) / 2)
        middle = float(np.clip(middle, low + 1, high - 1))
        low, high = (low, middle) if _share(size, middle, alpha) <= share else (middle, high)
    return high
