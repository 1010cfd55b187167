"""Kernels E s(v.x) s(w.x) of an activation s, x ~ N(0, I), taken apart by degree.

The part of degree 0 of a neuron, its mean, and for most activations that of degree 1, are sums over neurons: their squares
are taken after summation, so that they cancel before anything is rounded. What is left is a function of both lengths and of
the angle. Derivations: guide/two_layer.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import inputs, series, smoothed
from jaxprune.theory.two_layer.series import Series
from jaxprune.theory.two_layer.smoothed import EXACT, logistic, mean, pair

Array = NDArray[np.floating]
PairKernel = Callable[[Array, Array, Array, Array], Array]  # of cosines, sines (p, q), lengths (p, 1) and (1, q)
ACTIVATIONS = (
    *("relu", "abs", "leaky", "step", "sign", "relu2", "linear", "quadratic"),
    *("erf", "cos", "sin", "tanh", "sigmoid", "softplus", "gelu", "silu"),
)
ODD = ("sign", "linear", "erf", "sin", "tanh")
EVEN = ("abs", "quadratic", "cos")
BOUNDED = ("erf", "cos", "sin", "tanh", "sigmoid")  # and not of directions alone
GROWING = ("softplus", "gelu", "silu")  # without bound, and not homogeneous
ROOT = np.sqrt(2 * np.pi)
LONG = 1e150  # of a row: beyond it, waves of different directions have nothing in common
SERIES = 1.0  # of the angle from -1, below which the closed form of the arc-cosine kernel cancels


class Kernel(NamedTuple):
    """sum a_i a_j K(x_i, x_j) = |sum a mean|^2 + |linear sum a x|^2 + square |sum a x x^T|^2 + sum a_i a_j pair(i, j).

    With homogeneity ``degree`` lengths are moved into the weights, and ``pair`` is that of unit rows. ``mean`` gives one number
    for each row, (M,), or several, (k, M). ``series`` is ``pair`` by degree, where that is faster.
    """

    mean: Callable[[Array], Array]
    pair: PairKernel | None
    linear: float = 0.0
    square: float = 0.0
    degree: int = 0
    series: Series | None = None


def arc_cosine(cosine: ArrayLike):
    """E relu(u.x) relu(v.x) of unit rows u and v, by their cosine.

    Equation: kappa = (sin t + (pi - t) cos t)/(2 pi), t the angle; near -1 its series in pi - t, whose terms do not cancel.
    Regime: exact, to the last digits. Source: guide/two_layer.md, Kernels.

    Args:
        cosine: Cosines in [-1, 1], up to 1e-12 beyond, of any shape.

    Returns:
        The kernel, in [0, 1/2], of the shape of ``cosine``; a float for a scalar.

    Raises:
        ValueError: For a cosine outside by more than 1e-12.
    """
    cosine = inputs.cosine(cosine)
    beyond = 2 * np.arctan2(np.sqrt(1 + cosine), np.sqrt(1 - cosine))  # pi - t
    term, series = np.minimum(beyond, SERIES) ** 3 / 3, np.zeros_like(beyond)
    for k in range(1, 12):
        series, term = series + term, -term * np.minimum(beyond, SERIES) ** 2 * (k + 1) / (k * (2 * k + 2) * (2 * k + 3))
    closed = np.sqrt((1 - cosine) * (1 + cosine)) + beyond * cosine
    return arguments.plain(np.where(beyond < SERIES, series, closed) / (2 * np.pi))


def arc_cosine_slope(cosine: ArrayLike):
    """The derivative of ``arc_cosine``.

    Equation: kappa' = (pi - t)/(2 pi). Regime: exact, to the last digits. Source: guide/two_layer.md, Kernels.

    Args:
        cosine: Cosines in [-1, 1], up to 1e-12 beyond, of any shape.

    Returns:
        The derivative, in [0, 1/2], of the shape of ``cosine``; a float for a scalar.

    Raises:
        ValueError: For a cosine outside by more than 1e-12.
    """
    cosine = inputs.cosine(cosine)
    return arguments.plain(np.arctan2(np.sqrt(1 + cosine), np.sqrt(1 - cosine)) / np.pi)


def of(activation: str, slope: float | None) -> Kernel:
    """The kernel of a checked activation; ``slope`` is that of leaky."""
    if activation in ("relu", "abs", "leaky"):
        return _kinked({"relu": 0.0, "abs": -1.0}.get(activation, slope or 0.0))
    return {
        "step": lambda: Kernel(lambda size: np.stack([0.5 + 0 * size, (size > 0) / 2]), _scaled(0.25, _turn)),
        "sign": lambda: Kernel(lambda size: (size > 0) * 1.0, _turn),
        "relu2": lambda: Kernel(_constant(0.5), _odd_square, square=0.5, degree=2),
        "linear": lambda: Kernel(_constant(0.0), None, linear=1.0, degree=1),
        "quadratic": lambda: Kernel(_constant(1.0), None, square=2.0, degree=2),
        "cos": lambda: Kernel(lambda size: np.exp(-(size**2) / 2), _cosines),
        "sin": lambda: Kernel(_constant(0.0), _sines),
        "erf": lambda: Kernel(_constant(0.0), pair(smoothed.sign, ((np.sqrt(0.5), 1.0),))),
        "tanh": lambda: _logistic_sign(0.0, logistic(0.5), 1.0),
        "sigmoid": lambda: _logistic_sign(0.5, logistic(1.0), 0.25),
        "softplus": lambda: _half_linear(smoothed.relu_mean, smoothed.relu, logistic(1.0), series.relu),
        "gelu": lambda: _half_linear(smoothed.gelu_mean, smoothed.gelu, EXACT, None),
        "silu": lambda: _half_linear(smoothed.gelu_mean, smoothed.gelu, logistic(1.0), series.gelu),
    }[activation]()


def _kinked(slope: float) -> Kernel:
    """max(z, slope z): an even part |z| (1 - slope)/2 and an odd part z (1 + slope)/2."""
    even = 1 - slope
    rest = _scaled(even**2, lambda cosine, sine, *_: smoothed.rest(cosine, sine))
    return Kernel(_constant(even / ROOT), rest, (1 + slope) / 2, degree=1)


def _logistic_sign(level: float, mixture: smoothed.Mixture, scale: float) -> Kernel:
    both = _scaled(scale, pair(smoothed.sign, mixture))
    return Kernel(_constant(level), both, series=series.sign(mixture, scale))


def _half_linear(means, function, mixture, terms) -> Kernel:
    return Kernel(mean(means, mixture), pair(function, mixture), 0.5, series=terms(mixture) if terms else None)


def _constant(value: float) -> Callable[[Array], Array]:
    return lambda size: np.full_like(size, value)


def _scaled(factor: float, function: PairKernel) -> PairKernel:
    return lambda *block: factor * function(*block)


def _turn(cosine: Array, sine: Array, size: Array, other: Array) -> Array:
    """E sign sign - 1 = -2 angle/pi; nothing for a zero row."""
    return np.where((size > 0) & (other > 0), -2 / np.pi * np.arctan2(sine, cosine), 0.0)


def _odd_square(cosine: Array, sine: Array, *_: Array) -> Array:
    """E z|z| z'|z'| / 4."""
    return (3 * sine * cosine + np.arctan2(cosine, sine) * (1 + 2 * cosine**2)) / (2 * np.pi)


def _cosines(cosine: Array, sine: Array, size: Array, other: Array) -> Array:
    """exp(-(a + b)/2) (cosh g - 1), from squared distances where cosh g overflows."""
    small, decay, near, far = _waves(cosine, sine, size, other)
    return np.where(np.abs(small) < 1, 2 * decay * np.sinh(small / 2) ** 2, (near + far) / 2 - decay)


def _sines(cosine: Array, sine: Array, size: Array, other: Array) -> Array:
    """exp(-(a + b)/2) sinh g."""
    small, decay, near, far = _waves(cosine, sine, size, other)
    return np.where(np.abs(small) < 1, decay * np.sinh(small), (near - far) / 2)


def _waves(cosine: Array, sine: Array, size: Array, other: Array) -> tuple[Array, Array, Array, Array]:
    """g (clipped to [-1, 1]), exp(-(a + b)/2) and exp(-|v - w|^2/2), exp(-|v + w|^2/2)."""
    product, apart = np.minimum(size, LONG) * np.minimum(other, LONG), (size - other) ** 2
    chord = np.where(cosine > 0, sine**2 / (1 + np.abs(cosine)), 1 - cosine)  # 1 - cos
    across = np.where(cosine < 0, sine**2 / (1 + np.abs(cosine)), 1 + cosine)
    near, far = np.exp(-(apart / 2 + product * chord)), np.exp(-(apart / 2 + product * across))
    return np.clip(product * cosine, -1, 1), np.exp(-(size**2 + other**2) / 2), near, far
