"""Random keeping of entries: |a| of Pareto entries stays with probability min(1, (|a|/tau)^w) and is divided by it.

Derivations: guide/matrices.md, Random keep.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.matrices import checks


class RandomKeep(NamedTuple):
    """Means per entry: the fraction ``kept``, and the ``squared_error``."""

    kept: Any
    squared_error: Any


@arguments.broadcasts
def random_keep(tau: ArrayLike, tail_index: ArrayLike, power: int) -> RandomKeep:
    """What unbiased random keeping of Pareto entries of scale 1 costs.

    Equation: with m_p = E[|a|^p; |a| <= tau], kept tau^-alpha + m_w/tau^w; squared error tau m_1 - m_2 for w = 1, and tau^2
    (1 - tau^-alpha) - m_2 for w = 2; logarithms at alpha = w are limits of these. Regime: exact at every size, without
    cancellation next to tau = 1. Source: guide/matrices.md, Random keep.

    Args:
        tau: Threshold of the magnitudes, at least the scale 1.
        tail_index: Index alpha of the entries, > 0.
        power: The w of the probability, the integer 1 or 2.

    Returns:
        The fraction kept and the squared error, means per entry, each of the broadcast shape; floats for scalars.

    Raises:
        ValueError: Unless 1 <= tau < inf, power is 1 or 2 and 0 < tail_index < inf, and for an error that is no float.
    """
    tau = arguments.inside("tau", tau, 1, np.inf, "[)", "give a threshold, at least the scale 1")
    alpha, power = checks.tail_index(tail_index), arguments.integer("power", power, 1, 2)
    log = np.log(tau)
    with np.errstate(over="ignore", invalid="ignore"):
        kept = np.exp(-alpha * log) + alpha * log * np.exp(-power * log) * special.exprel((power - alpha) * log)
        first = log if power == 1 else 2 * log
        error = (1 if power == 1 else 2) * alpha * log**2 * _second_difference((2 - alpha) * log, first)
    return RandomKeep(plain(np.minimum(kept, 1.0)), checks.representable("tau", error, "lower it"))


def uniform_mask_error(probability: ArrayLike):
    """E ||A^ - A||_F^2 / ||A||_F^2 where every entry is kept with the same ``probability`` p and divided by it.

    Equation: 1/p - 1. Regime: exact for any matrix. Source: guide/matrices.md, Random keep.

    Args:
        probability: Chance p of an entry to be kept, in (0, 1], of any shape.

    Returns:
        The error, >= 0, of the shape of ``probability``; a float for a scalar.

    Raises:
        ValueError: Unless 0 < probability <= 1, and for an error that is no float.
    """
    p = arguments.probability("probability", probability, "(]")
    with np.errstate(over="ignore"):
        return checks.representable("probability", (1 - p) / p, "raise it")


def truncated_moment(log_cut: Array, power: int, alpha: Array) -> Array:
    """E[|a|^p; |a| <= t] of Pareto entries of scale 1.

    Equation: alpha (t^(p-alpha) - 1)/(p - alpha), alpha log t for p = alpha. Source: guide/matrices.md, Random keep.

    Args:
        log_cut: log t, >= 0, an array.
        power: Power p of the magnitude.
        alpha: Tail index of the entries, > 0, an array.

    Returns:
        The moment, of the broadcast shape; arguments are not checked.
    """
    return alpha * log_cut * special.exprel((power - alpha) * log_cut)


def quantiser_error(log_range: ArrayLike, bits: int):
    """The largest relative error of any kept value, so also of their norm: ``bits`` bits on a logarithmic grid.

    Equation: exp(w/2) - 1, w = log_range/2^bits, log_range = log(largest/smallest). Regime: a bound for any values.
    Source: guide/matrices.md, Quantiser.

    Args:
        log_range: log(largest/smallest) of the magnitudes, >= 0, in nats, of any shape.
        bits: Bits of a value, an integer in 1 .. 24.

    Returns:
        The relative error, >= 0, of the shape of ``log_range``; a float for a scalar.

    Raises:
        ValueError: Unless 0 <= log_range < inf and bits is an integer in 1 .. 24, and for an error that is no float.
    """
    width = arguments.size("log_range", log_range) / 2.0 ** arguments.integer("bits", bits, 1, 24)
    with np.errstate(over="ignore"):
        return checks.representable("log_range", np.expm1(width / 2), "give more bits")


def _second_difference(x: Array, y: Array) -> Array:
    """The divided difference of exp at x, y and 0, y >= 0, through the two of the three that are farthest apart."""
    x, y = np.broadcast_arrays(x, y)
    from_x, from_y, between = special.exprel(x), special.exprel(y), np.exp(y) * special.exprel(x - y)
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.stack([(from_x - from_y) / (x - y), (between - from_y) / x, (between - from_x) / y])
    apart = np.abs(np.stack([x - y, x, y]))
    value = np.take_along_axis(ways, np.argmax(apart, axis=0)[None], 0)[0]
    close = np.max(apart, axis=0) < 0.5
    return np.where(close, _series(np.where(close, x, 0.0), np.where(close, y, 0.0)), value)


def _series(x: Array, y: Array) -> Array:
    """Sum of complete homogeneous polynomials h_k(x, y)/(k+2)!."""
    total, symmetric, factorial = np.zeros(x.shape), np.ones(x.shape), 2.0
    for k in range(18):
        total += symmetric / factorial
        symmetric, factorial = y * symmetric + x ** (k + 1), factorial * (k + 3)
    return total
