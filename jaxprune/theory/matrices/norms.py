"""Operator norms of matrices with independent heavy-tailed entries. Derivations: guide/matrices.md, Operator norm."""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.matrices import checks, sampling

FROM_FOUR = "from 4 on the bulk of all entries sets the norm, see spike_norm"


@arguments.broadcasts
def spike_norm(theta: ArrayLike, variance: ArrayLike, n1: ArrayLike, n2: ArrayLike):
    """The norm ||A||_2 of an n1 x n2 matrix of independent entries of mean 0 and ``variance``, one of them replaced by theta.

    Equation: sqrt((theta^2 + n1 v)(theta^2 + n2 v))/theta where theta^4 > n1 n2 v^2, else sqrt(v)(sqrt(n1) + sqrt(n2)).
    Regime: limit of large n1 and n2. With theta the largest entry and v the mean square of the others it gives norms of
    heavy-tailed matrices to about 1 %. Source: guide/matrices.md, Operator norm.

    Args:
        theta: Magnitude of the entry that is replaced, >= 0.
        variance: Variance v of the other entries, >= 0.
        n1, n2: Numbers of rows and columns, whole and >= 1.

    Returns:
        The norm, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless theta, variance >= 0 are finite and n1, n2 >= 1 are whole, and for a norm that is no float.
    """
    theta = arguments.size("theta", theta, "give the magnitude of the largest entry")
    spread = np.sqrt(arguments.size("variance", variance, "give that of the other entries"))
    rows, columns = np.sqrt(arguments.whole("n1", n1)), np.sqrt(arguments.whole("n2", n2))
    apart = theta > spread * np.sqrt(rows * columns)
    with np.errstate(over="ignore", under="ignore"):
        ratio = np.where(apart, spread, 0.0) / np.where(apart, theta, 1.0)
        spike = theta * np.hypot(1, ratio * rows) * np.hypot(1, ratio * columns)
        norm = np.where(apart, spike, spread * (rows + columns))
    return checks.representable("theta", norm, "scale the matrix down")


@arguments.broadcasts
def residual_norm(s: ArrayLike, n1: ArrayLike, n2: ArrayLike, tail_index: ArrayLike):
    """The norm ||A - A_s||_2 left of an n1 x n2 Pareto matrix of scale 1 when its ``s`` largest entries are kept.

    Equation: spike_norm(t, E[a^2; |a| <= t], n1, n2), t = (n1 n2/s)^(1/alpha). Regime: limit, within 3 % except for
    alpha <= 1.5 with s between about n/10 and n, where several large entries share a row and the norm is up to 22 % larger.
    Source: guide/matrices.md, Operator norm.

    Args:
        s: Number of kept entries, whole, 1 <= s <= n1 n2.
        n1, n2: Numbers of rows and columns, whole and >= 1.
        tail_index: Index alpha of the entries, > 0.

    Returns:
        The norm, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 1 <= s <= n1 n2 are whole and 0 < tail_index < inf, and for a norm that is no float.
    """
    rows, columns = arguments.whole("n1", n1), arguments.whole("n2", n2)
    kept, size = checks.kept_of(s, rows * columns, 1)
    alpha = checks.tail_index(tail_index)
    log_cut = np.log(size / kept) / alpha
    with np.errstate(over="ignore"):
        cut, variance = np.exp(log_cut), sampling.truncated_moment(log_cut, 2, alpha)
    if not np.all(np.isfinite(variance)):
        raise ValueError(f"tail_index: {arguments.shown(tail_index)} gives energies beyond the largest float; raise it, or s")
    return spike_norm(np.where(kept < size, cut, 0.0), variance, rows, columns)


@arguments.broadcasts
def size_for_operator_regime(eps: ArrayLike, tail_index: ArrayLike):
    """The n from which the bulk of an n x n Pareto matrix is below eps times its largest entry: then few entries carry it.

    Equation: (2 sigma/eps)^(1/(2/alpha - 1/2)), sigma^2 = alpha/(alpha - 2). Regime: limit, 2 < alpha < 4; above it the regime
    does not exist, below it eps does not matter. Source: guide/matrices.md, Operator norm.

    Args:
        eps: Ratio of the bulk to the largest entry, in (0, 1).
        tail_index: Index alpha of the entries, in (2, 4).

    Returns:
        The size n, a real number, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps < 1 and 2 < tail_index < 4, and for a size that is no float.
    """
    eps = arguments.probability("eps", eps)
    alpha = arguments.inside(
        "tail_index", tail_index, 2, 4, "()", "up to 2 few entries carry any norm, from 4 on they never do"
    )
    log_bulk = np.log(2) + 0.5 * (np.log(alpha) - np.log(alpha - 2)) - np.log(eps)
    with np.errstate(over="ignore"):
        return checks.representable("tail_index", np.exp(log_bulk * 2 * alpha / (4 - alpha)), "lower it, or raise eps")


@arguments.broadcasts
def frechet_cdf(x: ArrayLike, tail_index: ArrayLike):
    """P(||A||_2 <= x b_N), b_N = (C N)^(1/alpha) the typical largest of N entries with P(|a| > t) ~ C t^-alpha.

    Equation: exp(-x^-alpha), 0 for x <= 0. Regime: limit (Auffinger, Ben Arous and Peche 2009), slow above alpha = 2: at
    n = 400 the median is 1.3 to 1.8 times as large there. Source: guide/matrices.md, Operator norm.

    Args:
        x: Norms in units of b_N, any numbers but NaN.
        tail_index: Index alpha of the entries, in (0, 4).

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < tail_index < 4, and for an x that is NaN.
    """
    x, alpha = arguments.real("x", x), arguments.inside("tail_index", tail_index, 0, 4, "()", FROM_FOUR)
    with np.errstate(divide="ignore", over="ignore"):
        return plain(np.exp(-(np.maximum(x, 0) ** -alpha)))


@arguments.broadcasts
def frechet_quantile(p: ArrayLike, tail_index: ArrayLike):
    """The x with P(||A||_2 <= x b_N) = p.

    Equation: (-log p)^(-1/alpha). Regime: limit, as ``frechet_cdf``. Source: guide/matrices.md, Operator norm.

    Args:
        p: Probability, in (0, 1).
        tail_index: Index alpha of the entries, in (0, 4).

    Returns:
        The quantile in units of b_N, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < p < 1 and 0 < tail_index < 4, and for a quantile that is no float.
    """
    p, alpha = arguments.probability("p", p), arguments.inside("tail_index", tail_index, 0, 4, "()", FROM_FOUR)
    with np.errstate(over="ignore"):
        return checks.representable("tail_index", (-np.log(p)) ** (-1 / alpha), "raise it")


@arguments.broadcasts
def typical_largest(N: ArrayLike, tail_index: ArrayLike, constant: ArrayLike = 1.0):
    """b_N = (C N)^(1/alpha), which ``N`` entries exceed once on average.

    Source: guide/matrices.md, Setting.

    Args:
        N: Number of entries, whole and >= 1.
        tail_index: Index alpha of the entries, > 0.
        constant: C of ``laws.tail_constant``, > 0; 1 is that of Pareto entries of scale 1.

    Returns:
        The magnitude, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless N >= 1 is whole, constant > 0 and 0 < tail_index < inf, and for a value that is no float.
    """
    size, constant = arguments.whole("N", N), arguments.positive("constant", constant, "give C of P(|a| > t) ~ C t^-alpha")
    with np.errstate(over="ignore"):
        value = np.exp((np.log(size) + np.log(constant)) / checks.tail_index(tail_index))
    return checks.representable("tail_index", value, "raise it")


class SpectralClass(NamedTuple):
    """A class of heavy-tailed matrices by Martin and Mahoney: its name, the ``pdf_exponent`` of the tail of the eigenvalues
    of A'A in the limit of large matrices (infinite where their support is bounded), and whether finite matrices show it."""

    name: str
    pdf_exponent: float
    shown: bool


def spectral_class(tail_index: float) -> SpectralClass:
    """The class of entries with a tail index.

    Equation: below 2 "very heavy-tailed", 1 + alpha/2; from 2 to 4 "moderately heavy-tailed", 1 + alpha/2 in the limit, but
    fits of finite matrices read much more (4.4 at alpha = 2.5, 8.7 at 3, n = 600); above 4 "weakly heavy-tailed", the bulk of
    Marchenko and Pastur. Regime: limit. Source: guide/matrices.md, Spectra.

    Args:
        tail_index: Index alpha of the entries, a number > 0 other than 2 and 4.

    Returns:
        The name, the exponent of the eigenvalues' density, and whether finite matrices show it.

    Raises:
        ValueError: For 2 and 4, where logarithms decide, for more than one number, and unless 0 < tail_index < inf.
    """
    alpha = float(_one("tail_index", checks.tail_index(tail_index)))
    if alpha in (2.0, 4.0):
        raise ValueError(f"tail_index: {alpha:g} is the border of two classes; there logarithms decide, move off it")
    if alpha > 4:
        return SpectralClass("weakly heavy-tailed", np.inf, False)
    name = "very heavy-tailed" if alpha < 2 else "moderately heavy-tailed"
    return SpectralClass(name, 1 + alpha / 2, alpha < 2)


def _one(name: str, value: Array) -> Array:
    if value.ndim:
        raise ValueError(f"{name}: shape {value.shape}; give one number")
    return value
