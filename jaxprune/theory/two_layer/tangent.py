"""The tangent bound of the simplified loss, and by how much neurons are above it: a sum of terms that are not negative.

With t an angle, D = sin t + (t - sin t)/M and k' = (pi - t)/(2 pi), for gains s, their sum S and p = sum s u

    loss = eta^2 (1 - pi/(2 (pi - t))) + 1 - 1/D + D/(2 pi) (S - sqrt(2 pi)/D)^2 + k' |p - m/(2 k')|^2
           + (t - sin t)/(2 pi) sum (s - S/M)^2 + sum over pairs j != k of s_j s_k (kernel - its tangent at t).

Source: guide/two_layer.md, Theorem A.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
HALF = math.pi / 2 - 1  # energy of |x| above its mean, in units of the mean's
ULPS = 2.0**-49  # of the terms of a bound: more than their rounding
SERIES = 0.5  # of an angle, below which it cancels with its sine


class Angle(NamedTuple):
    """One ``angle`` in [0, pi], ``beyond`` = pi - angle and ``turn`` = pi/2 - angle, each to its own last digits."""

    angle: float
    beyond: float
    turn: float


def angle_of(angle: float, beyond: float, turn: float) -> Angle:
    """By the smallest of the three, from which the others follow."""
    if abs(turn) <= 1:
        return Angle(math.pi / 2 - turn, math.pi / 2 + turn, turn)
    if angle < beyond:
        return Angle(angle, math.pi - angle, math.pi / 2 - angle)
    return Angle(math.pi - beyond, beyond, beyond - math.pi / 2)


def of_cosine(cosine: float) -> Angle:
    """The angle of just this cosine."""
    low, high = math.sqrt(1 - cosine), math.sqrt(1 + cosine)
    return angle_of(2 * math.atan2(low, high), 2 * math.atan2(high, low), math.asin(cosine))


def bound(M: int, eta: float, at: Angle) -> float:
    """eta^2 (1 - pi/(2 (pi - t))) + 1 - 1/D, of checked arguments."""
    return sum(_terms(M, eta, at)[:2])


def below(M: int, eta: float, at: Angle) -> float:
    """``bound`` rounded downwards."""
    slope, level, size = _terms(M, eta, at)
    return slope + level - ULPS * (abs(slope) + size) if math.isfinite(slope + level) else -math.inf


def lowered(value: float) -> float:
    """A positive lower bound that was computed to its last digits, rounded downwards."""
    return value * (1 - 4 * ULPS)


def _terms(M: int, eta: float, at: Angle) -> tuple[float, float, float]:
    """Both parts of the bound, and the size of what the second is the sum of."""
    if at.angle == 0 or (at.beyond == 0 and eta > 0):
        return -math.inf, 0.0, 0.0
    slope = eta * (eta * (at.turn / at.beyond)) if eta else 0.0
    bend = (1 - 1 / M) * 2 * math.sin(at.turn / 2) ** 2
    width = _width(M, at)
    return slope, ((HALF - at.turn) / M - bend) / width, ((HALF + abs(at.turn)) / M + bend) / width


def _width(M: int, at: Angle) -> float:
    """D."""
    return math.sin(min(at.angle, at.beyond)) * (1 - 1 / M) + at.angle / M


def above(at: Angle, cosine: Array, sine: Array, gains: Array, straight: Array, linear: Array) -> float:
    """loss - ``bound`` of neurons with ``gains``, by ``cosine`` and ``sine`` of their pairs (M, M), and ``straight`` = p."""
    total, width = math.fsum(gains), _width(len(gains), at)
    found = width / (2 * math.pi) * (total - math.sqrt(2 * math.pi) / width) ** 2
    if at.beyond:
        found += math.pi / (2 * at.beyond) * float(np.sum((at.beyond / math.pi * straight - linear) ** 2))
    found += float(_less_sine(np.array(at.angle))) / (2 * math.pi) * float(np.sum((gains - np.mean(gains)) ** 2))
    left = at.angle - np.arctan2(sine, cosine)
    apart = (sine * 2 * np.sin(left / 2) ** 2 + cosine * _less_sine(left)) / (2 * math.pi)
    np.fill_diagonal(apart, 0.0)
    return found + float(gains @ apart @ gains)


def _less_sine(x: Array) -> Array:
    """x - sin x."""
    square = np.minimum(np.abs(x), SERIES) ** 2
    series = 1.0
    for k in (6, 5, 4, 3, 2):
        series = 1 - square / (2 * k * (2 * k + 1)) * series
    return np.where(np.abs(x) < SERIES, x**3 / 6 * series, x - np.sin(x))
