"""A fixed number of kept entries of a heavy-tailed sample: sorted energy shares follow the law PD(alpha/q, 0).

The energies |x_i|^q, sorted and divided by their sum, converge to the Poisson-Dirichlet law with a = alpha/q < 1 as the
sample grows. Derivations: guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain

STEP = 1 / 12  # of the trapezoid rule in log l; its error is about exp(-pi^2 / STEP)


@arguments.broadcasts
def expected_tail_share(alpha: ArrayLike, order: ArrayLike, kept: ArrayLike):
    """The mean share of the energy sum |x_i|^q outside the ``kept`` largest, a mean of err_q^q.

    Equation: int_0^inf k a l^{a-1} g(l) psi(l)^{-k-1} m(l)^{k-1} e^{-l} dl with a = alpha/order, g = lower and G = upper
    incomplete gamma function at (1-a, l), psi = e^{-l} + l^a g, m = e^{-l} - l^a G. Regime: limit, n to infinity at fixed
    ``kept``; also for singular values, where it is reached slowly. Round-off about kept * 1e-16.
    Source: guide/compression.md, A fixed number kept.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the energy, > alpha.
        kept: Number k of kept entries, whole and >= 0.

    Returns:
        The share, in [0, 1], 1 for kept = 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < order and kept is whole.
    """
    index, kept = _ratio(alpha, order), arguments.whole("kept", kept, 0)
    a, k = (x[..., None] for x in np.broadcast_arrays(index, kept))
    return plain(np.where(k[..., 0] == 0, 1.0, _integral(a, np.maximum(k, 1))))


@arguments.broadcasts
def participation(alpha: ArrayLike, order: ArrayLike):
    """The mean of sum e_i^2 / (sum e_i)^2, e_i = |x_i|^q.

    Equation: 1 - alpha/q. Regime: limit, n to infinity; random also in the limit.
    Source: guide/compression.md, A fixed number kept.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the energy, > alpha.

    Returns:
        The mean, in (0, 1), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < order.
    """
    return plain(1 - _ratio(alpha, order))


@arguments.broadcasts
def kept_for_share(alpha: ArrayLike, order: ArrayLike, share: ArrayLike):
    """The least number of kept entries whose expected tail share is at most ``share``.

    Equation: min{k : expected_tail_share(alpha, order, k) <= share}. Regime: limit, n to infinity; it does not grow with n.
    Source: guide/compression.md, A fixed number kept.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the energy, > alpha.
        share: Share of the energy removed, in (0, 1).

    Returns:
        Whole numbers as floats (exact up to 1e9, beyond to nine digits), infinite above 2^900, of the broadcast shape; a float
        for scalars.

    Raises:
        ValueError: Unless 0 < alpha < order and 0 < share < 1.
    """
    index, share = _ratio(alpha, order), arguments.inside("share", share, 0, 1, cure="give the share of energy removed")
    pairs = zip(*(x.ravel() for x in np.broadcast_arrays(index, share)), strict=True)
    counts = [_least(a, s) for a, s in pairs]
    return plain(np.reshape(counts, np.broadcast_shapes(index.shape, share.shape)))


def _ratio(alpha: ArrayLike, order: ArrayLike) -> Array:
    return arguments.index_ratio(alpha, order, "energies with a mean are spread over all entries")


def _least(a: float, share: float) -> float:
    """Bisection over exponents, then over whole numbers while they are exact."""

    def enough(kept):
        return _integral(np.array([a]), np.array([kept]))[()] <= share

    low, high = -1, 900
    if not enough(2.0**high):
        return np.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(2.0**middle) else (middle, high)
    less, more = 2.0**low // 1, 2.0**high
    while more - less > max(1.0, 1e-9 * more):
        middle = np.floor((less + more) / 2)
        less, more = (less, middle) if enough(middle) else (middle, more)
    return more


def _integral(a: Array, k: Array) -> Array:
    """The integral over the last axis, in u = log l, where the integrand is analytic and falls off on both sides."""
    gamma = special.gamma(1 - a)
    peak = np.minimum(0.0, -(np.log(k) + np.log(gamma * a)) / a)
    # The (k-1)-th power of m/psi is below (1 + gamma l^a)^{1-k}, whatever a is.
    right = np.minimum(np.log(745.0), np.log(np.expm1(np.minimum(800 / np.maximum(k - 1, 1), 600)) / gamma) / a)
    right = np.where(k > 2, right, np.log(745.0))
    left = np.minimum(peak, right) - 60
    steps = int(np.ceil(np.max(right - left, initial=STEP) / STEP))
    u = left + (right - left) * np.arange(steps + 1) / steps
    length = np.exp(u)
    power = np.exp(a * u) * gamma
    lower, upper = power * special.gammainc(1 - a, length), power * special.gammaincc(1 - a, length)
    # With 1 + (small), not e^{-l} + ..., so that k-th powers keep their digits.
    fall = np.expm1(-length)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        psi, m = np.log1p(fall + lower), np.log1p(np.maximum(fall - upper, -1.0))
        rest = np.multiply(k - 1, m, where=k > 1, out=np.zeros_like(m))
        values = k * a * lower * np.exp(rest - (k + 1) * psi - length)
    return np.sum(values, axis=-1) * ((right - left) / steps)[..., 0]
