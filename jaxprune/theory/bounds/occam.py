"""Bounds of the risk by a code length: those of Hoeffding and of Chernoff, and the inverse of the binary divergence.

A code length is paid once for all predictors: its prior was fixed before the data, and its Kraft sum is at most 1. Derivations:
guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.bounds import codes

STEPS = 80  # of Newton's method, which needs about ten
LARGE = 1000.0  # nats, from which on the inverse is 1
FEW = 0.25  # below which log(1 + x) - x is summed
ORDERS = np.arange(2, 34)


@arguments.broadcasts
def kl_inverse(q: ArrayLike, c: ArrayLike):
    """The largest p >= q with kl(q || p) <= c: what a risk may be whose empirical value is ``q``, at a budget of ``c`` nats.

    Equation: q log(q/p) + (1-q) log((1-q)/(1-p)) = c, to its own last digits everywhere; 1 - e^-c at q = 0, 1 at q = 1.
    Regime: exact. Source: guide/bounds.md, Binary divergence.

    Args:
        q: Empirical value, in [0, 1].
        c: Budget in nats, >= 0.

    Returns:
        The p, in [q, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For q outside [0, 1], and for a budget below 0 or not finite.
    """
    q, c = np.broadcast_arrays(arguments.probability("q", q, "[]"), arguments.size("c", c, "give a budget of nats"))
    found = np.where(q == 0, -np.expm1(-c), np.where(q == 1, 1.0, q))
    here = (q > 0) & (q < 1) & (c > 0)
    found[here] = _inverse(q[here], c[here])
    return plain(found)


@arguments.broadcasts
def occam_gap(nats: ArrayLike, m: ArrayLike, delta: ArrayLike):
    """How much the risk may exceed the empirical risk on ``m`` samples, for all predictors at once.

    Equation: sqrt((nats + log(1/delta))/(2 m)), Hoeffding's inequality with a union over codes. Regime: holds at every size
    with probability 1 - delta for losses in [0, 1]; not below ``occam_kl``. Source: guide/bounds.md, Occam bounds.

    Args:
        nats: A code length in nats, > 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).

    Returns:
        The gap, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside.
    """
    return plain(np.sqrt(budget(nats, m, delta) / 2))


@arguments.broadcasts
def occam_kl(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: ArrayLike):
    """A bound of the risk of every predictor with a code of ``nats`` and an empirical ``risk`` on ``m`` samples.

    Equation: kl_inverse(risk, (nats + log(1/delta))/m), Chernoff's inequality with a union over codes; 1 - e^-c without
    training errors. Regime: holds at every size with probability 1 - delta, for losses in [0, 1].
    Source: guide/bounds.md, Occam bounds.

    Args:
        risk: Empirical risk, in [0, 1].
        nats: A code length in nats, > 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).

    Returns:
        The bound, in (0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside.
    """
    return kl_inverse(arguments.probability("risk", risk, "[]"), budget(nats, m, delta))


@arguments.broadcasts
def compressed_size_gap(bits: ArrayLike, m: ArrayLike, delta: ArrayLike, strict: bool = True):
    """``occam_gap`` of a predictor that is a file of ``bits`` bits.

    Equation: sqrt((bits log 2 + 2 log bits + log(pi^2/6) + log(1/delta))/(2 m)). Regime: holds at every size with probability
    1 - delta if strict. Source: guide/bounds.md, Compressed size.

    Args:
        bits: Bits of the file, whole and >= 1.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).
        strict: False leaves log(pi^2/6) out, as it is often printed: then the prior 2^-L / L^2 sums to more than 1, and nothing
            is proved.

    Returns:
        The gap, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless ``bits`` is whole and >= 1 and ``strict`` True or False, and for what ``occam_gap`` refuses.
    """
    if not isinstance(strict, bool | np.bool_):
        raise ValueError(f"strict: {strict!r} is not True or False; True gives what is proved")
    return occam_gap(codes.file_nats(bits, "square" if strict else "printed"), m, delta)


@arguments.broadcasts
def samples_for_gap(nats: ArrayLike, gap: ArrayLike, delta: ArrayLike):
    """The least number of samples at which ``occam_gap`` is at most ``gap``.

    Equation: ceil((nats + log(1/delta))/(2 gap^2)). Regime: exact. Source: guide/bounds.md, Occam bounds.

    Args:
        nats: A code length in nats, > 0.
        gap: Gap to reach, in (0, 1).
        delta: Probability of failure, in (0, 1).

    Returns:
        Whole numbers as floats, exact up to 2^52, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside, and for more samples than floats can count.
    """
    gap = arguments.inside("gap", gap, 0, 1, cure="losses are in [0, 1], give a gap inside")
    wanted = budget(nats, 1, delta) / 2
    with np.errstate(over="ignore", divide="ignore"):
        samples = np.maximum(np.ceil(wanted / gap / gap), 1.0)
    if np.any(~np.isfinite(samples)):
        raise ValueError(f"gap: {gap.min()} asks for more samples than a float can count; give a larger one")
    samples = np.where((samples > 1) & (np.sqrt(wanted / np.maximum(samples - 1, 1)) <= gap), samples - 1, samples)
    return plain(np.where(np.sqrt(wanted / samples) > gap, samples + 1, samples))  # the ceiling was that of a rounded number


@arguments.broadcasts
def subsampled_gap(nats: ArrayLike, m: ArrayLike, evaluated: ArrayLike, delta: ArrayLike, loss_range: ArrayLike = 1.0):
    """How much the risk may exceed the mean loss on ``evaluated`` samples, chosen at random among the ``m`` trained on.

    Equation: loss_range [sqrt((nats + log(1/(r delta)))/(2 m)) + sqrt(log(1/((1-r) delta))/(2 evaluated))],
    r = evaluated/(evaluated + m). Regime: holds at every size with probability 1 - delta for losses in an interval of length
    ``loss_range``. Source: guide/bounds.md, Subsamples.

    Args:
        nats: A code length in nats, > 0.
        m: Number of samples trained on, whole and >= 1.
        evaluated: Number of them in the subsample, whole, 1 <= evaluated <= m.
        delta: Probability of failure, in (0, 1).
        loss_range: Length of the interval of losses, > 0.

    Returns:
        The gap, > 0, in units of the loss, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside, and for more evaluated samples than there are.
    """
    m, evaluated = arguments.whole("m", m), arguments.whole("evaluated", evaluated)
    if np.any(evaluated > m):
        raise ValueError(f"evaluated: {evaluated} are more than the m = {m} trained on; use at most all")
    share, delta = evaluated / (evaluated + m), arguments.probability("delta", delta)
    scale = arguments.positive("loss_range", loss_range, "give the length of the interval of losses")
    first = occam_gap(nats, m, share * delta)
    return plain(scale * (first + np.sqrt(-np.log((1 - share) * delta) / (2 * evaluated))))


def budget(nats: ArrayLike, m: ArrayLike, delta: ArrayLike) -> Array:
    """(nats + log(1/delta))/m, checked."""
    nats = arguments.positive("nats", nats, "give a code length in nats; one predictor of many costs the log of their number")
    return (nats - np.log(arguments.probability("delta", delta))) / arguments.whole("m", m)


def _inverse(q: Array, c: Array) -> Array:
    """Newton's method for t = -log((1-p)/(1-q)), in which the divergence is convex: from above it never overshoots."""
    rest, c = 1 - q, np.minimum(c, LARGE)
    above = (c + np.sqrt(c) * np.sqrt(c + 2 * q)) / rest  # from kl >= (p-q)^2/(2p)
    t = np.where(above < 1, np.minimum(1 + c / rest, -np.log1p(-np.where(above < 1, above, 0.5))), 1 + c / rest)
    for _ in range(STEPS):
        y = -np.expm1(-t)
        more = rest * y  # p - q
        step = (_gained(q, more) - rest * _log1p_less_of(t, y) - c) * ((q + more) / more)
        t = np.maximum(t - step, 0.5 * t)
        if np.all(np.abs(step) <= 4e-16 * t):
            break
    return np.minimum(np.where(q < 0.5, q + rest * -np.expm1(-t), 1 - rest * np.exp(-t)), 1.0)


def _gained(q: Array, more: Array) -> Array:
    """more - q log(1 + more/q) without cancellation or overflow, more > 0."""
    near = more < FEW * q
    x = np.where(near, more, 0.0) / q
    series = q * x**2 * np.polynomial.polynomial.polyval(x, (-1.0) ** ORDERS / ORDERS)
    return np.where(near, series, more - q * (np.log(q + more) - np.log(q)))


def _log1p_less_of(t: Array, y: Array) -> Array:
    """log(1 - y) + y = y - t for y = 1 - e^-t, without cancellation."""
    small = np.where(t < FEW, y, 0.0)
    series = -(small**2) * np.polynomial.polynomial.polyval(small, 1 / ORDERS)
    return np.where(t < FEW, series, y - t)
