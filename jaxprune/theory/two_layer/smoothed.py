"""Kernels of sign, relu and z step(z) with Gaussian noise at their input, and their mixtures over the logistic law.

E g(z - t n) over a standard normal n is, for g = step, relu and z -> z P(t n <= z): Phi(z/t), its integral, and z Phi(z/t).
In a kernel the noise of a neuron of length a only lengthens its row, to A = sqrt(a^2 + t^2), and turns the angle. The
logistic law is that of 2 K n with K of Kolmogorov's law, so logistic(z) = E Phi(z/(2 K)): sums over a few nodes of log K give
tanh, sigmoid, softplus and silu, geometrically accurate and with the same nodes at every length.
Derivations: guide/two_layer.md, Logistic activations.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Mixture = tuple[tuple[float, float], ...]  # (standard deviation of the noise, probability)
STEP = 0.125  # of the trapezoidal rule over log K; the law of K is analytic for |Im log K| < pi/4: an error of e^-39
REACH = (-15, 13)  # nodes; beyond, less than 1e-21 of the law
EXACT: Mixture = ((1.0, 1.0),)
TINY = np.finfo(float).tiny
END = 0.25 - 1 / (2 * np.pi)  # of ``rest`` at 1: the energy of relu above degree 1


class Smoothed(NamedTuple):
    """Two neurons, each with a noise of its own: ``cosine`` and ``sine`` of the angle between them, their ``lengths`` with the
    noise, the product of the ``signal`` shares of their squared lengths, and that of their ``noise`` shares times the squared
    cosine without noise."""

    cosine: Array
    sine: Array
    lengths: Array
    signal: Array
    noise: Array


@functools.cache
def logistic(scale: float) -> Mixture:
    """The normal laws of which the logistic law of this scale is the mixture, by the trapezoidal rule in log K."""
    nodes = np.exp(STEP * np.arange(REACH[0], REACH[1] + 1))
    return tuple((2 * scale * float(k), float(w)) for k, w in zip(nodes, STEP * nodes * _kolmogorov(nodes), strict=True))


def _kolmogorov(x: Array) -> Array:
    """The density of Kolmogorov's law, by whichever of its two series converges at once."""
    j = np.arange(1, 12)[:, None]
    c = ((2 * j - 1) * np.pi) ** 2 / 8
    small = np.sqrt(2 * np.pi) * np.sum((2 * c / x**4 - 1 / x**2) * np.exp(-c / x**2), axis=0)
    large = 8 * x * np.sum((-1.0) ** (j - 1) * j**2 * np.exp(-2 * j**2 * x**2), axis=0)
    return np.where(x < 1, small, large)


def mean(function: Callable[[Array, float], Array], mixture: Mixture) -> Callable[[Array], Array]:
    """The mean of a neuron, by length."""
    return lambda size: sum(w * function(size, t) for t, w in mixture) + np.zeros_like(size)


def pair(function: Callable[[Smoothed], Array], mixture: Mixture) -> Callable[[Array, Array, Array, Array], Array]:
    """The kernel of two neurons, a block (p, q) of cosines and sines with lengths (p, 1) and (1, q)."""

    def block(cosine: Array, sine: Array, size: Array, other: Array) -> Array:
        total = np.zeros_like(cosine)
        for t, w in mixture:
            for u, v in mixture:
                total += w * v * function(smooth(cosine, sine, size, other, t, u))
        return total

    return block


def smooth(cosine: Array, sine: Array, size: Array, other: Array, t: float, u: float) -> Smoothed:
    """The noise t on the first and u on the second: 1 - cosine^2 is a sum of positive terms."""
    first, second = np.hypot(size, t), np.hypot(other, u)
    p, q, e, f = size / first, other / second, (t / first) ** 2, (u / second) ** 2
    turned = np.sqrt(sine**2 + cosine**2 * (e + f - e * f))
    return Smoothed(cosine * p * q, turned, first * second, (p * q) ** 2, cosine**2 * e * f)


def sign(near: Smoothed) -> Array:
    """E sign sign = 2/pi arcsin."""
    return 2 / np.pi * np.arctan2(near.cosine, near.sine)


def relu(near: Smoothed) -> Array:
    """Of E relu relu what is left above degree 1."""
    return near.lengths * rest(near.cosine, near.sine)


def gelu(near: Smoothed) -> Array:
    """Of E z Phi(z/t) z' Phi(z'/u), by two integrations by parts, what is left above degree 1 apart from the mean."""
    angle = near.cosine * np.arctan2(near.cosine, near.sine)
    bend = near.noise / np.maximum(near.sine, TINY) - near.cosine**2 / (1 + near.sine)
    return near.lengths * (angle + near.signal * bend) / (2 * np.pi)


def relu_mean(size: Array, t: float) -> Array:
    """E relu."""
    return np.hypot(size, t) / np.sqrt(2 * np.pi)


def gelu_mean(size: Array, t: float) -> Array:
    """E z Phi(z/t)."""
    return size * (size / np.hypot(size, t)) / np.sqrt(2 * np.pi)


def rest(cosine: Any, sine: Any) -> Any:
    """The arc-cosine kernel of unit rows less its parts of degree 0 and 1: a sum of even powers, positive.

    Equation: kappa - 1/(2 pi) - cos/4 = [cos arcsin cos + sin - 1]/(2 pi), without cancellation at any angle.
    """
    return (cosine * np.arctan2(cosine, sine) - cosine**2 / (1 + sine)) / (2 * np.pi)
