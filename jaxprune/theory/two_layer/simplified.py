"""The affine simplification of a ReLU target, its exact error, and how small that is for many random rows.

A target f* = sum a_i relu(w_i.x) enters the simplified loss through its factors alone: c = E f*, m = E x f* and R, the energy
of what is left of it. Derivations: guide/two_layer.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import angles, inputs, kernels, population, smoothed
from jaxprune.theory.two_layer.inputs import Array

SHIFT = 30.0  # dimension from which the expansion of a ratio of gamma functions has all digits
# (1 - 4^-k) B_2k / (k (2k - 1)), of log Gamma(x + 1/2) - log Gamma(x)
STIRLING = (1 / 8, -1 / 192, 1 / 640, -17 / 14336, 31 / 18432, -691 / 180224, 5461 / 425984)


class Factors(NamedTuple):
    """``constant`` c = E f*, ``linear`` m = E x f* (d,), ``remainder`` R = E f*^2 - c^2 - |m|^2."""

    constant: float
    linear: Array
    remainder: float


def factors(target_rows: ArrayLike, target_weights: ArrayLike) -> Factors:
    """What the simplified loss knows of a ReLU target.

    Equation: c = sum a |w| / sqrt(2 pi), m = sum a w / 2, R the energy of the degrees above 1, summed by itself. Regime: exact.
    Source: guide/two_layer.md, Simplification.

    Args:
        target_rows, target_weights: The target, float64 (N, d) and (N,).

    Returns:
        The constant c, the linear part m (d,) and the remainder R; infinite above the largest float.

    Raises:
        ValueError: For what is not finite float64 or does not fit.
    """
    rows, weights = inputs.network("target_rows", target_rows, "target_weights", target_weights)
    even, scaled, common = angles.balanced(rows, weights, 1)
    size, unit = angles.polar(even)
    gains = scaled * size
    constant = float(angles.restored(math.fsum(gains) / math.sqrt(2 * math.pi), common))
    rest = float(angles.restored(_remainder(unit, gains), 2 * common))
    return Factors(constant, angles.restored(scaled @ even / 2, common), rest)


def simplified_loss(rows: ArrayLike, weights: ArrayLike, target: Factors) -> float:
    """The loss against the affine function c + m.x, plus R.

    Equation: with gains s = b |v|, S their sum and p = sum s u: R + (c - S/sqrt(2 pi))^2 + |m - p/2|^2 + the energy of the
    degrees of f above 1, a sum of squares. Regime: exact. Source: guide/two_layer.md, Simplification.

    Args:
        rows, weights: The network, float64 (M, d) and (M,).
        target: The ``factors`` of the target, or (c, m (d,), R).

    Returns:
        The simplified loss; infinite above the largest float.

    Raises:
        ValueError: As ``factors`` does, and for a target of other inputs.
    """
    rows, weights = inputs.network("rows", rows, "weights", weights)
    constant, linear, remainder = _parts(target, rows.shape[1])
    even, scaled, common = angles.balanced(rows, weights, 1)
    size, unit = angles.polar(even)
    gains = scaled * size
    over = max(common, *(int(np.frexp(x)[1]) for x in (constant, np.max(np.abs(linear)))))  # of two, by which all are divided
    scaled, gains = np.ldexp(scaled, common - over), np.ldexp(gains, common - over)
    constant, linear = float(np.ldexp(constant, -over)), np.ldexp(linear, -over)
    level = constant - math.fsum(gains) / math.sqrt(2 * math.pi)
    affine = level**2 + float(np.sum((linear - scaled @ even / 2) ** 2))
    return remainder + float(angles.restored(affine + _remainder(unit, gains), 2 * over))


def interaction(directions: ArrayLike, target_rows: ArrayLike, target_weights: ArrayLike) -> Array:
    """h(u) of directions u: loss - simplified loss = -2 sum s_j h(u_j) of every network with gains s_j.

    Equation: h(u) = sum a |w| k(cos(w, u)), k(r) = (r arcsin r + sqrt(1 - r^2) - 1)/(2 pi) in [0, 1/4 - 1/(2 pi)]. So
    |loss - simplified| <= 2 sum |s| sup |h|, and for nonnegative weights of both the loss is at most the simplified one.
    Regime: exact. Source: guide/two_layer.md, Simplification.

    Args:
        directions: The u, float64 (K, d), of any length but 0.
        target_rows, target_weights: The target, float64 (N, d) and (N,).

    Returns:
        The h(u), (K,).

    Raises:
        ValueError: For what is not finite float64 or does not fit, and for a direction zero.
    """
    directions = inputs.matrix("directions", directions)
    rows, weights = inputs.network("target_rows", target_rows, "target_weights", target_weights)
    if directions.shape[1] != rows.shape[1]:
        raise ValueError(f"directions: {directions.shape[1]} inputs differ from the {rows.shape[1]} of target_rows")
    even, scaled, common = angles.balanced(rows, weights, 1)
    (size, unit), (length, other) = angles.polar(directions), angles.polar(even)
    if not np.all(size):
        raise ValueError(f"directions: row {int(np.argmin(size))} is zero and has no direction; leave it out")
    found, gains = np.zeros(len(unit)), scaled * length
    for here in population.blocks(len(unit)):
        for there in population.blocks(len(other)):
            found[here] += smoothed.rest(*angles.between(unit[here], other[there])) @ gains[there]
    return angles.restored(found, common)


def expected_factors(
    N: int, d: int, output_mean: float, output_square: float, norm_mean: float, norm_square: float
) -> tuple[float, float, float]:
    """The means of c, of |m|^2 and of R over targets of N independent rows of isotropic directions in R^d.

    Equation: N E a E|w|/sqrt(2 pi); N E a^2 E|w|^2/4; N E a^2 E|w|^2 k(1) + N (N-1) (E a E|w|)^2 ``norm_excess(d)``/(2 pi), k
    as in ``interaction``. Regime: exact. Source: guide/two_layer.md, Expected factors.

    Args:
        N, d: Number of rows and dimension of the inputs, >= 1.
        output_mean, output_square: E a and E a^2 of the output weights, every scaling included, independent of the rows.
        norm_mean, norm_square: E |w|, >= 0, and E |w|^2 of the rows.

    Returns:
        (mean of c, mean of |m|^2, mean of R).

    Raises:
        ValueError: Unless N and d are integers >= 1 and these are moments of numbers.
    """
    N, d = inputs.count("N", N), inputs.count("d", d)
    mean = inputs.number("output_mean", output_mean, -np.inf, np.inf, "()")
    norm = inputs.number("norm_mean", norm_mean, 0, np.inf)
    own = _mean_square("output_square", output_square, mean) * _mean_square("norm_square", norm_square, norm)
    rest = N * own * smoothed.END + N * (N - 1) * (mean * norm) ** 2 * float(norm_excess(d)) / (2 * math.pi)
    return N * mean * norm / math.sqrt(2 * math.pi), N * own / 4, rest


@arguments.broadcasts
def uniform_error_limit(d: ArrayLike, N: ArrayLike):
    """sup |h| of ``interaction`` for a target of ``N`` random rows in R^d, unit weights 1/N.

    Equation: (d^-1/2 + N^-1/2)^2 / (4 pi), from the largest eigenvalue of Marchenko and Pastur's law. Regime: limit of large d
    and N, for independent isotropic sub-Gaussian rows with |w|^2 near 1; 4 % high at d = 256.
    Source: guide/two_layer.md, Uniform error.

    Args:
        d, N: Dimension of the inputs and number of rows, whole numbers >= 1, integers or floats.

    Returns:
        The supremum, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless d and N are whole and >= 1.
    """
    d, N = arguments.whole("d", d), arguments.whole("N", N)
    return arguments.plain((d**-0.5 + N**-0.5) ** 2 / (4 * np.pi))


def norm_excess(d: ArrayLike):
    """d / (E|g|)^2 - 1 for g ~ N(0, I_d): how much an isotropic target of infinitely many rows differs from a constant.

    Equation: d Gamma(d/2)^2 / (2 Gamma((d+1)/2)^2) - 1 = 1/(2d) + 1/(8 d^2) + ..., to its own last digits at every d.
    Regime: exact. Source: guide/two_layer.md, Infinitely many rows.

    Args:
        d: Dimension of the inputs, whole numbers >= 1 of any shape.

    Returns:
        The excess, > 0, of the shape of ``d``; a float for a scalar.

    Raises:
        ValueError: Unless d is whole and >= 1.
    """
    d = arguments.whole("d", d)
    logarithm, x = np.zeros_like(d), d.copy()
    while np.any(low := x < SHIFT):  # excess(x) in terms of excess(x + 2)
        logarithm += np.where(low, np.log1p(1 / (x * (x + 2))), 0.0)
        x = np.where(low, x + 2, x)
    for k, coefficient in enumerate(STIRLING):
        logarithm += 2 * coefficient * (2 / x) ** (2 * k + 1)
    return arguments.plain(np.expm1(logarithm))


def _mean_square(name: str, value: float, mean: float) -> float:
    low = mean**2 * (1 - 1e-12)
    return inputs.number(name, value, low, np.inf, cure="a mean square is at least the square of the mean")


def _parts(target: Factors, d: int) -> Factors:
    """Checked, of d inputs."""
    try:
        constant, linear, remainder = target
    except (TypeError, ValueError):
        raise ValueError(f"target: {target!r} is not (constant, linear, remainder); give what factors returns") from None
    constant, remainder = (inputs.number("target", x, -np.inf, np.inf, "()") for x in (constant, remainder))
    return Factors(constant, inputs.vector("target", linear, d, "rows"), remainder)


def _remainder(unit: Array, gains: Array) -> float:
    """The energy of the degrees above 1 of gains up to 1."""
    return max(population.over_pairs(kernels.of("relu", None), unit, np.ones(len(gains)), gains), 0.0)
