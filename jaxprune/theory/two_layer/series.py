"""Kernels of logistic activations by degree: a mixture of n laws is summed once for each neuron, not n^2 times for each pair.

With x = size/sqrt(size^2 + t^2), c_k the coefficients of arcsin and m_k the mean over the mixture, kernels are
sum_k g_k m_k m_k' cosine^(2k + power): m_k of x^(2k+1) for the sign; of size x^(2k+1) for relu; and for z step(z) of
size x^(2k+1) (1 + (2k + 1) (1 - x^2)). All terms are positive. Pairs with |cosine| above ``FAR`` are left to closed forms.
Source: guide/two_layer.md, Logistic activations.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxprune.theory.two_layer.smoothed import Mixture

Array = NDArray[np.floating]
FAR, TERMS, SMALL = 0.9, 190, 1e-18  # FAR^(2 TERMS) is below SMALL, and so is what is left out


class Series(NamedTuple):
    """The ``power`` of the first term, ``weights`` (TERMS,) and the ``moments`` (TERMS, M) of sizes (M,)."""

    power: int
    weights: Array
    moments: Callable[[Array], Array]


def sign(mixture: Mixture, scale: float = 1.0) -> Series:
    """Of ``smoothed.sign``, times ``scale``."""
    return Series(1, scale * 2 / np.pi * _arcsine(), lambda size: _moments(size, mixture, 0.0))


def relu(mixture: Mixture) -> Series:
    """Of ``smoothed.relu``."""
    return Series(2, _even(), lambda size: size * _moments(size, mixture, 0.0))


def gelu(mixture: Mixture) -> Series:
    """Of ``smoothed.gelu``."""
    return Series(2, _even(), lambda size: size * _moments(size, mixture, 1.0))


def _arcsine() -> Array:
    k = np.arange(1, TERMS)
    return np.cumprod(np.append(1.0, (2 * k - 1) ** 2 / (2 * k * (2 * k + 1))), dtype=np.float64)


def _even() -> Array:
    return _arcsine() / (2 * np.arange(TERMS) + 2) / (2 * np.pi)


def _moments(size: Array, mixture: Mixture, bend: float) -> Array:
    """The means of x^(2k+1) (1 + ``bend`` (2k + 1) (1 - x^2))."""
    noise, weights = (np.array(a)[:, None] for a in zip(*mixture, strict=True))
    full = np.hypot(size, noise)
    x, rest, found = size / full, bend * (noise / full) ** 2, np.empty((TERMS, len(size)))
    front, square = weights * x, x**2
    for k in range(TERMS):
        found[k] = np.sum(front * (1 + (2 * k + 1) * rest) if bend else front, axis=0)
        front *= square
    return found


def far_pairs(series: Series, cosine: Array, left: Array, right: Array) -> float:
    """Over a block of pairs but those beyond ``FAR``, by moments times gains, ``left`` (TERMS, p) and ``right`` (TERMS, q)."""
    rest = np.where(np.abs(cosine) > FAR, 0.0, cosine)
    top = float(np.max(np.abs(rest), initial=0.0))
    terms = min(TERMS, 1 + math.ceil(math.log(SMALL) / (2 * math.log(top)))) if top else 0
    square, power = rest**2, rest**series.power
    sums = []
    for k in range(terms):
        sums.append(series.weights[k] * float(left[k] @ power @ right[k]))
        power *= square
    return math.fsum(sums)
