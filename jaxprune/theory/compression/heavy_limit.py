"""Compression of heavy-tailed entries at a fixed fraction kept: the relative error tends to 0 at a random, explicit rate.

For independent X with P(|X| > x) ~ C x^{-alpha} and q > alpha,

    n^{q/alpha-1} err_q(kappa)^q -> M / S,    M = E[|X|^q; |X| <= t],  P(|X| > t) = kappa,
    S = (C Gamma(1-alpha/q))^{q/alpha} A,     A positive (alpha/q)-stable, E e^{-lA} = exp(-l^{alpha/q}).

``heavy_...`` take symmetric alpha-stable X of unit scale (the result knows no scale); ``tail_...`` take C and M of any
other law, for instance of the norms of trained neurons. Everything follows from ``tail_scale``: err_q^q ~ scale / A.
For exactly stable entries the gap is O(1/n), in general it is larger and grows as alpha nears q.
Derivations: guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments, stable
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.stable import positive


@arguments.broadcasts
def tail_scale(alpha: ArrayLike, order: ArrayLike, tail_constant: ArrayLike, truncated_moment: ArrayLike, n: ArrayLike = 1):
    """B such that err_q^q at ``n`` entries is b / A in law; at n = 1 that of the scaled limit M / S.

    Equation: b = M n^{1-q/alpha} (C Gamma(1-alpha/q))^{-q/alpha}. For trained neurons after time t under noise of strength
    sigma C is t sigma^alpha times the constant of the noise (guide/sde.md, Tail of trained neurons) and M that of their norms.
    Regime: limit; A positive (alpha/q)-stable. Source: guide/compression.md, Infinite moment.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the norm, > alpha.
        tail_constant: C of P(|X| > x) ~ C x^-alpha, > 0.
        truncated_moment: M = E[|X|^q; |X| <= t], >= 0.
        n: Number of entries, whole and >= 1; 1 for the scaled limit.

    Returns:
        The scale b, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < order, C > 0, M >= 0, n >= 1.
    """
    a = _ratio(alpha, order)
    constant = arguments.positive("tail_constant", tail_constant, "give C of P(|X| > x) ~ C x^-alpha")
    moment = arguments.size("truncated_moment", truncated_moment, "give E[|X|^q; |X| <= t]")
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return plain(np.exp(_log_scale(a, constant, moment) + (1 - 1 / a) * np.log(arguments.whole("n", n))))


@arguments.broadcasts
def tail_limit_moment(
    alpha: ArrayLike, order: ArrayLike, tail_constant: ArrayLike, truncated_moment: ArrayLike, power: ArrayLike = 1.0
):
    """The moment of the limit M / S, for given C and M.

    Equation: E (M/S)^r = M^r (C Gamma(1-alpha/q))^{-rq/alpha} Gamma(1+rq/alpha) / Gamma(1+r). Regime: limit of that of
    n^{q/alpha-1} err_q^q. Source: guide/compression.md, Infinite moment.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the norm, > alpha.
        tail_constant: C of P(|X| > x) ~ C x^-alpha, > 0.
        truncated_moment: M = E[|X|^q; |X| <= t], >= 0.
        power: Order r of the moment, > 0.

    Returns:
        The moment, infinite above 1e308, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``tail_scale`` does, and unless power > 0.
    """
    a, power = _ratio(alpha, order), arguments.positive("power", power, "give a positive power")
    scale = np.asarray(tail_scale(alpha, order, tail_constant, truncated_moment))
    with np.errstate(divide="ignore", over="ignore"):
        return plain(np.exp(power * np.log(scale) + special.gammaln(1 + power / a) - special.gammaln(1 + power)))


@arguments.broadcasts
def heavy_limit_moment(alpha: ArrayLike, order: ArrayLike, kappa: ArrayLike, power: ArrayLike = 1.0):
    """The mean (power 1) or a higher moment of the limit of n^{q/alpha-1} err_q(kappa)^q.

    Equation: E (M/S)^r as in ``tail_limit_moment`` with C and M of the symmetric stable law. Cauchy, q = 2: (t - atan t)
    chi^2_1 with t = cot(pi kappa/2), of mean t - atan t. Regime: limit; for q = 2 the mean square at n = 1000 is met to O(1/n).
    Source: guide/compression.md, Infinite moment.

    Args:
        alpha: Stability index of the entries, in (0, 2), below the order.
        order: The q of the norm, > alpha.
        kappa: Fraction of the entries kept, in (0, 1].
        power: Order r of the moment, > 0; 1 is the mean.

    Returns:
        The moment, infinite above 1e308, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < 2, order > alpha, kappa in (0, 1], power > 0, and for a truncated moment that is no
            float.
    """
    return tail_limit_moment(alpha, order, *_law(alpha, order, kappa), power)


@arguments.broadcasts
def pareto_limit_moment(alpha: ArrayLike, order: ArrayLike, kappa: ArrayLike, power: ArrayLike = 1.0):
    """As ``heavy_limit_moment``, for entries with P(|X| > x) = x^{-alpha}, x >= 1.

    Equation: C = 1, M = alpha/(q-alpha) (kappa^{-(q-alpha)/alpha} - 1); alpha = 1, q = 2, kappa = 0.1: 18/pi. Regime: limit,
    slow as alpha nears q (alpha = 1.5, n = 1000: the simulation is 10 % higher). Source: guide/compression.md, Infinite moment.

    Args:
        alpha: Tail index of the entries, in (0, order).
        order: The q of the norm, > alpha.
        kappa: Fraction of the entries kept, in (0, 1].
        power: Order r of the moment, > 0; 1 is the mean.

    Returns:
        The moment, infinite above 1e308, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < order, kappa in (0, 1], power > 0, and for a truncated moment that is no float.
    """
    a, kappa = _ratio(alpha, order), arguments.fraction_kept(kappa)
    with np.errstate(over="ignore"):
        return tail_limit_moment(alpha, order, 1.0, a / (1 - a) * np.expm1((1 - 1 / a) * np.log(kappa)), power)


@arguments.broadcasts
def heavy_limit_quantile(p: ArrayLike, alpha: ArrayLike, order: ArrayLike, kappa: ArrayLike):
    """The x that the limit of n^{q/alpha-1} err_q(kappa)^q stays below with probability ``p``.

    Equation: x = scale / y, P(A > y) = p. Regime: limit. Source: guide/compression.md, Infinite moment.

    Args:
        p: Probability, in (0, 1).
        alpha: Stability index of the entries, in (0, 2), below the order.
        order: The q of the norm, > alpha.
        kappa: Fraction of the entries kept, in (0, 1].

    Returns:
        The quantile x, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``heavy_limit_moment`` does, and unless 0 < p < 1.
    """
    p, a = arguments.probability("p", p), _ratio(alpha, order)
    return plain(tail_scale(alpha, order, *_law(alpha, order, kappa)) / positive.quantile(p, a))


@arguments.broadcasts
def error_quantile(p: ArrayLike, alpha: ArrayLike, kappa: ArrayLike, n: ArrayLike, order: ArrayLike = 2.0):
    """The error that err_q(kappa) of ``n`` entries stays below with probability ``p``.

    Equation: (n^{1-q/alpha} heavy_limit_quantile(p))^{1/q}; not cut at 1, so that a value above 1 says that n is too small for
    the limit. Regime: limit, gap O(1/n) for q = 2. Source: guide/compression.md, Infinite moment.

    Args:
        p: Probability, in (0, 1).
        alpha: Stability index of the entries, in (0, 2), below the order.
        kappa: Fraction of the entries kept, in (0, 1], with kappa n >= 1.
        n: Number of entries, whole and >= 1.
        order: The q of the norm, > alpha.

    Returns:
        The error, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``heavy_limit_quantile`` does, or if kappa n < 1.
    """
    p, a, (kappa, n) = arguments.probability("p", p), _ratio(alpha, order), arguments.kept_of(kappa, n)
    scale = tail_scale(alpha, order, *_law(alpha, order, kappa), n)
    return plain((scale / positive.quantile(p, a)) ** (1 / np.asarray(order, float)))


@arguments.broadcasts
def error_cdf(error: ArrayLike, alpha: ArrayLike, kappa: ArrayLike, n: ArrayLike, order: ArrayLike = 2.0):
    """P(err_q(kappa) <= error) for ``n`` entries, the effective theorem of compressibility.

    Equation: P(A >= scale / error^q), from the survival function of A. Regime: limit, gap O(1/n) for q = 2.
    Source: guide/compression.md, Required width.

    Args:
        error: Values of err_q(kappa), in (0, 1).
        alpha: Stability index of the entries, in (0, 2), below the order.
        kappa: Fraction of the entries kept, in (0, 1], with kappa n >= 1.
        n: Number of entries, whole and >= 1.
        order: The q of the norm, > alpha.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``error_quantile`` does, and unless 0 < error < 1.
    """
    error, a, (kappa, n) = arguments.probability("error", error), _ratio(alpha, order), arguments.kept_of(kappa, n)
    scale = tail_scale(alpha, order, *_law(alpha, order, kappa), n)
    return plain(positive.sf(scale / error ** np.asarray(order, float), a))


@arguments.broadcasts
def required_width_log10(
    alpha: ArrayLike, kappa: ArrayLike, error: ArrayLike, confidence: ArrayLike | None = None, order: ArrayLike = 2.0
):
    """The logarithm, base 10, of ``required_width``, also where that is beyond the largest float.

    Equation: log10(n) = log10(limit / error^q) / (q/alpha - 1), limit the mean (no confidence) or the quantile of
    ``heavy_limit_quantile`` at p = confidence. Regime: limit. Source: guide/compression.md, Required width.

    Args:
        alpha: Stability index of the entries, in (0, 2), below the order.
        kappa: Fraction of the entries kept, in (0, 1].
        error: Error to reach, in (0, 1).
        confidence: Probability with which it is reached, in (0, 1); None for the mean.
        order: The q of the norm, > alpha.

    Returns:
        The logarithm, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``required_width`` does.
    """
    error, a, kappa = arguments.probability("error", error), _ratio(alpha, order), arguments.fraction_kept(kappa)
    scale = np.asarray(tail_scale(alpha, order, *_law(alpha, order, kappa)))
    with np.errstate(divide="ignore"):
        if confidence is None:
            limit = np.log(scale) + special.gammaln(1 + 1 / a)
        else:
            limit = np.log(scale) - np.log(positive.quantile(arguments.probability("confidence", confidence), a))
        return plain((limit - np.asarray(order, float) * np.log(error)) / (1 / a - 1) / np.log(10))


@arguments.broadcasts
def required_width(
    alpha: ArrayLike, kappa: ArrayLike, error: ArrayLike, confidence: ArrayLike | None = None, order: ArrayLike = 2.0
):
    """The width from which err_q(kappa) <= error: with probability ``confidence``, or on average.

    Equation: n = (M / (error^q s))^{1/(q/alpha-1)}, P(S >= s) = confidence; without confidence 1/s = E[1/S], so that E
    err_q^q = error^q (the rms error for q = 2). A width below 1/kappa says that the limit does not apply. Regime: limit, gap
    O(1/n) for q = 2. Source: guide/compression.md, Required width.

    Args:
        alpha: Stability index of the entries, in (0, 2), below the order.
        kappa: Fraction of the entries kept, in (0, 1].
        error: Error to reach, in (0, 1).
        confidence: Probability with which it is reached, in (0, 1); None for the mean.
        order: The q of the norm, > alpha.

    Returns:
        The width, a real number, infinite above 1e308 (``required_width_log10``), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < alpha < 2, order > alpha, kappa in (0, 1], error and confidence in (0, 1), and for a truncated
            moment that is no float.
    """
    with np.errstate(over="ignore"):
        return plain(np.power(10.0, required_width_log10(alpha, kappa, error, confidence, order)))


def _law(alpha: ArrayLike, order: ArrayLike, kappa: ArrayLike) -> tuple[Array, Array]:
    """C and M of the symmetric stable law."""
    alpha, kappa = arguments.index("alpha", alpha, ends="()"), arguments.fraction_kept(kappa)
    _ratio(alpha, order)
    moment = stable.truncated_moment(stable.abs_quantile(kappa, alpha), np.asarray(order, float), alpha)
    return np.asarray(stable.tail_constant(alpha)), np.asarray(moment)


def _ratio(alpha: ArrayLike, order: ArrayLike) -> Array:
    return arguments.index_ratio(alpha, order, "below it the error has a limit, finite_moment_limit")


def _log_scale(a: Array, constant: Array, moment: Array) -> Array:
    return np.log(moment) - (np.log(constant) + special.gammaln(1 - a)) / a
