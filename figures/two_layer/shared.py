"""Curves that figures of finite targets share: Gaussian rows, outputs 1, in units of the square of the target's mean."""

import math

import numpy as np

from jaxprune.theory import two_layer as theory


def expected(dim: int, width: int, neurons: int) -> tuple[float, float, float]:
    """The cone's value and cosine at the means of what the simplification knows of a target, and its eta."""
    norm = 1 / math.sqrt(1 + theory.norm_excess(dim))
    mean, square_slope, rest = theory.expected_factors(width, dim, 1 / width, 1 / width**2, norm, 1.0)
    eta = math.sqrt(square_slope) / mean
    value, cosine = theory.cone_optimum(neurons, eta)
    return rest / mean**2 + value, cosine, eta


def grid(low: float, high: float, points: int = 40) -> np.ndarray:
    """Whole numbers, evenly spaced in their logarithm."""
    return np.unique(np.round(np.geomspace(low, high, points)).astype(int))
