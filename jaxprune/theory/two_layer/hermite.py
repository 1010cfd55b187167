"""The population loss of networks whose neurons have biases, or an activation that is given as a function: by Hermite series.

A neuron s(w.x + b) is a function of one normal number, sum_k c_k h_k(w.x/|w|), and E h_k(u.x) h_k(v.x) = cos^k: pairs of
neurons take sums over degrees. What is left of a neuron beyond the last one is known from its norm, and bounds the error.
Derivation: guide/two_layer.md, Biases and other activations.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from jaxprune.theory.two_layer import angles

Array = NDArray[np.floating]
Function = Callable[[Array], Array]
TERMS = 256  # degrees
POINTS = 16  # nodes of a panel
FINE, COARSE = (0.25, 20.0), (0.5, 16.0)  # length of a panel and reach of a rule, in standard deviations: two tell the error
SAME = 1e-15  # entries of directions that differ by less are parallel
TOLERANCE = 1e-9  # of (sum |a| |s|)^2
BLOCK = 256  # rows whose pairs are held at once
FUNCTIONS: dict[str, Function] = {
    "relu": lambda z: np.maximum(z, 0),
    "abs": np.abs,
    "step": lambda z: np.heaviside(z, 0.5),
    "sign": np.sign,
    "relu2": lambda z: np.maximum(z, 0) ** 2,
    "linear": lambda z: z,
    "quadratic": lambda z: z**2,
    "erf": special.erf,
    "cos": np.cos,
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "softplus": lambda z: np.logaddexp(z, 0),
    "gelu": lambda z: z * special.ndtr(z),
    "silu": lambda z: z * special.expit(z),
}


class Neurons(NamedTuple):
    """Coefficients (TERMS, M) of neurons, their ``square`` E s^2 (M,), and the part of it beyond the coefficients."""

    coefficients: Array
    square: Array
    lost: Array


def energy(function: Function, rows: Array, weights: Array, biases: Array) -> float:
    """E f(x)^2 of checked arguments: rows (M, d), weights and biases (M,).

    Raises ValueError where its error may exceed ``TOLERANCE`` of (sum |a| sqrt(E s^2))^2.
    """
    size, unit = angles.polar(rows)
    sums = [_summed(function, size, unit, weights, biases, rule) for rule in (FINE, COARSE)]
    (total, left, scale), (other, *_) = sums
    if not np.isfinite(scale):
        raise ValueError("activation: grows too fast for E s^2 to be a float; scale rows or weights down")
    if not abs(total - other) <= TOLERANCE * scale:
        raise ValueError(
            f"activation: two rules differ by {abs(total - other):.1e}; it grows too fast, or bends too sharply beside 0: scale"
            " the rows down, or move the bend to 0 by biases"
        )
    if left > TOLERANCE * scale:
        raise ValueError(
            f"rows: some, of neurons with a bend or a jump, are so nearly parallel that {TERMS} degrees may be wrong by"
            f" {left:.1e}; make them parallel, or use a smooth activation"
        )
    return max(total, 0.0)


def expand(function: Function, size: Array, biases: Array, rule: tuple[float, float]) -> Neurons:
    """Neurons of these lengths; a panel of the rule ends where a neuron's argument is 0, where most activations bend."""
    found = [_one(function, s, b, rule) for s, b in zip(size, biases, strict=True)]
    coefficients = np.stack([c for c, _ in found], axis=1)
    square = np.array([e for _, e in found])
    lost = square - np.sum(coefficients**2, axis=0)
    return Neurons(coefficients, square, np.where(lost > TERMS * np.finfo(float).eps * square, lost, 0.0))


def _one(function: Function, size: float, bias: float, rule: tuple[float, float]) -> tuple[Array, float]:
    x, density = _nodes([_zero(size, bias, rule)], rule)
    values = _values(function, size * x + bias)
    with np.errstate(over="ignore"):
        return _projected(x, values * density), float(values**2 @ density)


def _zero(size: float, bias: float, rule: tuple[float, float]) -> float:
    """Where the argument of a neuron is 0, if a rule reaches it."""
    return -bias / size if abs(bias) < rule[1] * size else 0.0


def _nodes(ends: list[float], rule: tuple[float, float]) -> tuple[Array, Array]:
    """Nodes and Gaussian weights of a rule with panels that end at ``ends``."""
    panel, reach = rule
    parts = [
        np.linspace(low, high, 1 + int(np.ceil((high - low) / panel)))
        for low, high in itertools.pairwise(sorted({-reach, *ends, reach}))
    ]
    borders = np.unique(np.concatenate(parts))
    point, weight = np.polynomial.legendre.leggauss(POINTS)
    half = np.diff(borders)[:, None] / 2
    x = (borders[:-1, None] + half * (1 + point)).ravel()
    return x, (half * weight).ravel() * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _along(function: Function, size: Array, biases: Array, sign: float, rule: tuple[float, float]) -> float:
    """E s s' of two parallel neurons, ``sign`` -1 if they are opposite."""
    x, density = _nodes([_zero(size[0], biases[0], rule), sign * _zero(size[1], biases[1], rule)], rule)
    first, second = (
        _values(function, length * x + bias) for length, bias in zip((size[0], sign * size[1]), biases, strict=True)
    )
    return float((first * second) @ density)


def _values(function: Function, z: Array) -> Array:
    with np.errstate(all="ignore"):
        values = np.asarray(function(z))
    if values.shape != z.shape or values.dtype.kind != "f" or not np.all(np.isfinite(values)):
        raise ValueError(
            f"activation: of {z.shape[0]} numbers from {z[0]:.3g} to {z[-1]:.3g} it gives {values.dtype} of shape"
            f" {values.shape}, or some that are not finite; use an elementwise NumPy function that is finite there"
        )
    return values


def _projected(x: Array, values: Array) -> Array:
    """Sums over the orthonormal Hermite polynomials of every degree."""
    found, last, here = np.empty(TERMS), np.zeros_like(x), np.ones_like(x)
    for k in range(TERMS):
        found[k] = here @ values
        last, here = here, (x * here - np.sqrt(k) * last) / np.sqrt(k + 1)
    return found


def _summed(function: Function, size: Array, unit: Array, weights: Array, biases: Array, rule) -> tuple[float, float, float]:
    """The sum over all pairs, a bound of what the degrees left out of it, and its scale. A neuron with itself, and parallel
    ones, are integrated along their direction."""
    neurons = expand(function, size, biases, rule)
    heights, outside = weights * neurons.coefficients, np.abs(weights) * np.sqrt(neurons.lost)
    total, left = float(weights**2 @ neurons.square), 0.0
    for start in range(0, len(weights), BLOCK):
        here = slice(start, start + BLOCK)
        cosine = np.clip(unit[here] @ unit.T, -1.0, 1.0)
        own = np.arange(len(weights))[here]
        cosine[own - start, own] = 0.0
        for i, j in np.argwhere(np.abs(cosine) > 1 - 1e-12):
            sign = float(np.sign(cosine[i, j]))
            if np.max(np.abs(unit[own[i]] - sign * unit[j])) <= SAME:
                cosine[i, j], both = 0.0, [own[i], j]
                rest = _along(function, size[both], biases[both], sign, rule) - np.prod(neurons.coefficients[0, both])
                total += float(np.prod(weights[both]) * rest)
        power = np.ones_like(cosine)
        power[own - start, own] = 0.0
        for coefficients in heights:
            total += float(coefficients[here] @ power @ coefficients)
            power *= cosine
        left += float(outside[here] @ np.abs(power) @ outside)
    with np.errstate(over="ignore", invalid="ignore"):
        return total, left, float(np.sum(np.abs(weights) * np.sqrt(neurons.square)) ** 2)
