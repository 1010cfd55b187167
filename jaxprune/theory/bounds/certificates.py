"""The bounds that hold with a probability, as claims that a simulation can falsify: each with its failure and what it assumes.

``judge.count_failures`` counts failures against the probability. Derivations: guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.contracts import Certificate
from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.bounds import baselines, codes, occam, pac_bayes

RISK = "risk of the predictor"
GAP = "risk of the predictor less its empirical risk"
SAMPLES = ("independent samples", "losses in [0, 1]")
CODED = (*SAMPLES, "a code that was fixed before the data, with a Kraft sum of at most 1")
STOCHASTIC = (*SAMPLES, "a prior that was fixed before the data", "the mean over predictors of the posterior")


def occam_kl(risk: ArrayLike, code: codes.Code | ArrayLike, m: ArrayLike, delta: float) -> Certificate:
    """``occam.occam_kl`` of a code, or of a length in nats: of the risk. Source: guide/bounds.md, Occam bounds.

    Args:
        risk: Empirical risk, in [0, 1].
        code: A ``codes.Code``, whose assumptions are stated too, or a length in nats, > 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``occam.occam_kl`` does, and for more than one ``delta``.
    """
    nats, more = _code(code)
    arguments.fit(dict(risk=risk, code=nats, m=m))
    return Certificate(RISK, occam.occam_kl(risk, nats, m, delta), delta, (*CODED, *more))


def occam_gap(code: codes.Code | ArrayLike, m: ArrayLike, delta: float) -> Certificate:
    """``occam.occam_gap`` of a code, or of a length in nats: of the gap. Source: guide/bounds.md, Occam bounds.

    Args:
        code: A ``codes.Code``, whose assumptions are stated too, or a length in nats, > 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``occam.occam_gap`` does, and for more than one ``delta``.
    """
    nats, more = _code(code)
    arguments.fit(dict(code=nats, m=m))
    return Certificate(GAP, occam.occam_gap(nats, m, delta), delta, (*CODED, *more))


@arguments.broadcasts
def compressed_size(bits: ArrayLike, m: ArrayLike, delta: float) -> Certificate:
    """``occam.compressed_size_gap``, the strict one: of the gap. Source: guide/bounds.md, Compressed size.

    Args:
        bits: Bits of the file, whole and >= 1.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``occam.compressed_size_gap`` does, and for more than one ``delta``.
    """
    return Certificate(
        GAP, occam.compressed_size_gap(bits, m, delta), delta, (*CODED[:-1], "a decoder that was fixed before the data")
    )


@arguments.broadcasts
def subsampled(nats: ArrayLike, m: ArrayLike, evaluated: ArrayLike, delta: float) -> Certificate:
    """``occam.subsampled_gap``: of the risk less the mean loss on the subsample. Source: guide/bounds.md, Subsamples.

    Args:
        nats: A code length in nats, > 0.
        m: Number of samples trained on, whole and >= 1.
        evaluated: Number of them in the subsample, whole, 1 <= evaluated <= m.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``occam.subsampled_gap`` does, and for more than one ``delta``.
    """
    claim = "risk of the predictor less its mean loss on a random subsample of the training data"
    return Certificate(claim, occam.subsampled_gap(nats, m, evaluated, delta), delta, (*CODED, "a subsample drawn at random"))


@arguments.broadcasts
def stochastic(risk: ArrayLike, nats: ArrayLike, m: ArrayLike, delta: float) -> Certificate:
    """The smaller of ``pac_bayes_kl`` and ``catoni`` at delta/2 each: of the mean risk. Source: guide/bounds.md, Stochastic
    predictors.

    Args:
        risk: Empirical mean risk, in [0, 1].
        nats: Divergence of the posterior from the prior in nats, >= 0.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``pac_bayes_kl`` and ``catoni`` do, and for more than one ``delta``.
    """
    both = pac_bayes.pac_bayes_kl(risk, nats, m, delta / 2), pac_bayes.catoni(risk, nats, m, delta / 2)
    return Certificate(f"mean {RISK}", plain(np.minimum(*both)), delta, STOCHASTIC)


@arguments.broadcasts
def vc(dimension: ArrayLike, m: ArrayLike, delta: float) -> Certificate:
    """``baselines.vc_gap``: of the gap, for all classifiers of the class. Source: guide/bounds.md, Rivals.

    Args:
        dimension: VC dimension of the class, >= 1.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: As ``baselines.vc_gap`` does, and for more than one ``delta``.
    """
    assumes = (*SAMPLES, "two classes", "a class of classifiers of that VC dimension, fixed before the data")
    return Certificate(GAP, baselines.vc_gap(dimension, m, delta), delta, assumes)


def spectral(matrices: baselines.Matrices, inputs: ArrayLike, margin: float, delta: float) -> Certificate:
    """``baselines.spectral_gap``: of the gap to the margin loss. Source: guide/bounds.md, Rivals.

    Args:
        matrices: One float64 matrix (outputs, inputs) for each layer, none all zero.
        inputs: Training inputs, float64 (m, n), not all zero.
        margin: Margin of the outputs, > 0.
        delta: Probability of failure, in (0, 1).

    Returns:
        The certificate, with one bound.

    Raises:
        ValueError: As ``baselines.spectral_gap`` does.
    """
    return _margin(
        baselines.spectral_gap(matrices, inputs, margin, delta), delta, ("norms of layers that were budgeted before the data",)
    )


def spectral_pac_bayes(matrices: baselines.Matrices, inputs: ArrayLike, margin: float, delta: float) -> Certificate:
    """``baselines.spectral_pac_bayes_gap``: of the gap to the margin loss. Source: guide/bounds.md, Rivals.

    Args:
        matrices: One float64 matrix (outputs, inputs) for each layer, none all zero.
        inputs: Training inputs, float64 (m, n), m >= 2, not all zero.
        margin: Margin of the outputs, > 0.
        delta: Probability of failure, in (0, 1).

    Returns:
        The certificate, with one bound.

    Raises:
        ValueError: As ``baselines.spectral_pac_bayes_gap`` does.
    """
    bound = baselines.spectral_pac_bayes_gap(matrices, inputs, margin, delta)
    return _margin(bound, delta, ("inputs no longer than the longest of the sample",))


def noise_stable(parameters: float, levels_log: float, m: int, delta: float) -> Certificate:
    """``occam_gap`` of ``parameters`` numbers of exp(levels_log) values each, (5.2): of the risk of the *compressed*
    network less the margin loss of the original.

    Equation: sqrt((q log r + log(1/delta))/(2m)).
    Source: Arora et al. (2018), arXiv 1802.05296, Theorem 2.1; guide/bounds.md, Noise stability.

    Args:
        parameters: q of ``noise_stability.effective_parameters``, > 0, rounded up.
        levels_log: log r of the r values of a number, > 0, as 32 log 2.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).

    Returns:
        The certificate, with one bound.

    Raises:
        ValueError: For what is outside.
    """
    count = np.ceil(arguments.positive("parameters", parameters))
    nats = count * arguments.positive("levels_log", levels_log, "give the log of the number of values")
    assumes = (
        *SAMPLES,
        "projections fixed before the data",
        "a margin fixed before the data",
        "interlayer smoothness >= 3 d on the sample",
    )
    claim = "risk of the compressed network less the margin loss of the original"
    return Certificate(claim, occam.occam_gap(nats, m, delta), delta, assumes)


def _margin(bound: float, delta: float, more: Sequence[str]) -> Certificate:
    claim = "risk of the predictor less its empirical margin loss"
    return Certificate(claim, bound, delta, (SAMPLES[0], "a margin fixed before the data", *more))


def _code(code: codes.Code | ArrayLike) -> tuple[ArrayLike, tuple[str, ...]]:
    return (code.nats, code.assumes) if isinstance(code, codes.Code) else (code, ())
