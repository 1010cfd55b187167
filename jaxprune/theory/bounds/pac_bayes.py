"""PAC-Bayes bounds of stochastic predictors, beside what they become for one predictor with a code.

A stochastic predictor has a distribution over predictors, at the divergence ``nats`` from a prior. Derivations:
guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.bounds import occam

RATIO = 1 + 1e-4  # of neighbouring values of the parameter, in Zhou et al. (2019)
POINTS = 4001  # of the parameter, evenly spaced in its logarithm; every one of them is a bound
FURTHEST = 60.0  # largest parameter over m, beyond which e^-g is no more


@arguments.broadcasts
def pac_bayes_kl(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: ArrayLike):
    """A bound of the mean risk of a stochastic predictor with empirical mean ``risk`` on ``m`` samples.

    Equation: kl_inverse(risk, (nats + log(2 sqrt(m)/delta))/m). Regime: holds at every size with probability 1 - delta, for
    losses in [0, 1]. Source: Maurer (2004), arXiv cs/0411099, Theorem 5; guide/bounds.md, Stochastic predictors.

    Args:
        risk: Empirical mean risk, in [0, 1].
        nats: Divergence of the predictor's distribution from the prior in nats, >= 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).

    Returns:
        The bound, in (0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside.
    """
    risk, nats, m, delta = _checked(risk, nats, m, delta)
    return occam.kl_inverse(risk, (nats + np.log(2 * np.sqrt(m)) - np.log(delta)) / m)


@arguments.broadcasts
def catoni(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: ArrayLike, ratio: float = RATIO):
    """Catoni's bound of the mean risk of a stochastic predictor, with the choice of its parameter paid.

    Equation: min over L of F(L/m, risk + (a/L)[nats + log(1/delta) + 2 log(log(a^2 L)/log a)]), F(g,
    x) = (1 - e^{-gx})/(1 - e^{-g}), a = ``ratio``; the least over a grid of L, each of which is a bound. Regime: holds at every
    size with probability 1 - delta, for losses in [0, 1]; 1 where it says nothing.
    Source: Zhou et al. (2019), arXiv 1804.05862, Theorem 2.1; guide/bounds.md, Stochastic predictors.

    Args:
        risk: Empirical mean risk, in [0, 1].
        nats: Divergence of the predictor's distribution from the prior in nats, >= 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).
        ratio: Ratio a of neighbouring values of the parameter, a number > 1.

    Returns:
        The bound, in (0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside, and for a ratio that is not above 1.
    """
    risk, nats, m, delta = (x[..., None] for x in np.broadcast_arrays(*_checked(risk, nats, m, delta)))
    ratio = float(arguments.inside("ratio", ratio, 1, np.inf, cure="give the ratio of neighbouring values, as 1.0001"))
    upto = np.log(np.maximum(m, 2.0) * FURTHEST)
    parameter = np.exp(upto * np.arange(1, POINTS + 1) / POINTS)  # above 1, as the theorem asks
    step = np.log1p(ratio - 1)
    grid = 2 * np.log((2 * step + np.log(parameter)) / step)
    bound = _phi(parameter / m, risk + ratio / parameter * (nats - np.log(delta) + grid))
    return plain(np.min(np.minimum(bound, 1.0), axis=-1))


@arguments.broadcasts
def catoni_free(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: ArrayLike):
    """Catoni's bound at its best parameter, which is not paid: for one predictor with a code it need not be.

    Equation: inf over g > 0 of F(g, risk + c/g), c = (nats + log(1/delta))/m, F as in ``catoni``; at g = log(p(1-q)/(q(1-p)))
    it is p = kl_inverse(q, c), q the risk. Regime: with probability 1 - delta for a *deterministic* predictor of that code
    length, as ``occam_kl``; no bound for a stochastic one. Source: guide/bounds.md, Stochastic predictors.

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
    q, c = np.broadcast_arrays(arguments.probability("risk", risk, "[]"), occam.budget(nats, m, delta))
    p = np.asarray(occam.kl_inverse(q, c))
    found = p.copy()
    here = (q > 0) & (p < 1)
    g = np.log(p[here]) - np.log1p(-p[here]) - np.log(q[here]) + np.log1p(-q[here])
    found[here] = np.minimum(_phi(g, q[here] + c[here] / g), 1.0)
    return plain(found)


def _checked(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: ArrayLike) -> tuple[Array, Array, Array, Array]:
    return (
        arguments.probability("risk", risk, "[]"),
        arguments.size("nats", nats, "give a divergence in nats"),
        arguments.whole("m", m),
        arguments.probability("delta", delta),
    )


def _phi(g: Array, x: Array) -> Array:
    """(1 - e^{-gx})/(1 - e^{-g})."""
    return np.expm1(-g * x) / np.expm1(-g)
