"""A bound that counts compressed networks. Derivations: guide/compression.md."""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.contracts import Certificate
from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain


@arguments.broadcasts
def counting_bound(
    n: ArrayLike, dim: ArrayLike, kappa: ArrayLike, levels: ArrayLike, samples: ArrayLike, confidence: float = 0.95
) -> Certificate:
    """A certificate of the generalisation gap, for all networks at once that keep kappa n of n neurons.

    Equation: gap <= sqrt((n H(kappa) + kappa n d log(levels) + log(1/delta)) / (2 samples)), delta = 1 - confidence,
    H(kappa) = -kappa log(kappa) - (1-kappa) log(1-kappa), every kept coordinate one of ``levels`` values, losses in [0, 1].
    Regime: holds at every size with probability ``confidence`` (Hoeffding and a union over the networks; not the corollary of
    Wan et al.); above 1 it says nothing. Source: guide/compression.md, Counting bound.

    Args:
        n: Number of neurons, whole and >= 1.
        dim: Number d of coordinates of a neuron, whole and >= 1.
        kappa: Fraction of the neurons kept, in (0, 1], with kappa n >= 1.
        levels: Number of values of a coordinate, whole and >= 1.
        samples: Number of training samples, whole and >= 1.
        confidence: Probability with which the bound holds, one number in (0, 1).

    Returns:
        The certificate, with bounds of the broadcast shape.

    Raises:
        ValueError: Unless n, dim, levels, samples are whole, kappa is in (0, 1] with kappa n >= 1, and 0 < confidence < 1.
    """
    kappa, n = arguments.kept_of(kappa, n)
    dim, levels, samples = arguments.whole("dim", dim), arguments.whole("levels", levels), arguments.whole("samples", samples)
    confidence = float(arguments.probability("confidence", confidence))
    entropy = special.entr(kappa) + special.entr(1 - kappa)
    count = n * entropy + kappa * n * dim * np.log(levels) - np.log1p(-confidence)
    claim = "test loss less training loss of every network that keeps a fraction kappa of its neurons"
    assumes = ("independent samples", "losses in [0, 1]", "every kept coordinate is one of the levels")
    return Certificate(claim, plain(np.sqrt(count / (2 * samples))), 1 - confidence, assumes)
