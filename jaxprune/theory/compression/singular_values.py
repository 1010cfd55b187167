"""Compression of a Gaussian matrix by its largest singular values; a limit."""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.numerics import roots

TERMS = np.arange(2, 24)


@arguments.broadcasts
def singular_value_limit_gaussian(kept_fraction: ArrayLike, aspect: ArrayLike = 1.0):
    """The limit of the *squared* relative Frobenius error of the best approximation of given rank.

    Equation: with r = sqrt(aspect) and squared singular values 1 + r^2 - 2 r cos(theta) of density (2/pi) sin^2(theta) /
    (1 + r^2 - 2 r cos(theta)), the share below theta is 1 - kept_fraction and their energy (theta - sin(theta) cos(theta)) /
    pi. For squares: int_0^t s^2 sqrt(4-s^2)/pi ds under the quarter circle. Regime: limit of large matrices with independent
    entries of finite variance. Source: guide/compression.md, Singular values; Marchenko and Pastur.

    Args:
        kept_fraction: Fraction of the min(rows, columns) singular values kept, in (0, 1].
        aspect: Smaller over the larger of rows and columns, in (0, 1].

    Returns:
        The squared error, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For a fraction or an aspect outside (0, 1].
    """
    kept = arguments.inside("kept_fraction", kept_fraction, 0, 1, "(]", "give the fraction of singular values kept")
    aspect = arguments.inside("aspect", aspect, 0, 1, "(]", "give the smaller over the larger side")
    kept, root = np.broadcast_arrays(kept, np.sqrt(aspect))
    ends = np.zeros(kept.shape), np.full(kept.shape, np.pi)
    theta = roots.bracketed(lambda x, r, below: _share(x, r) - below, *ends, root, 1 - kept)
    energy = np.where(
        theta < 0.05, theta**3 * (2 / 3 - theta**2 * (2 / 15 - theta**2 * 4 / 315)), theta - np.sin(2 * theta) / 2
    )
    return plain(np.clip(energy / np.pi, 0, 1))


def _share(theta: Array, root: Array) -> Array:
    """The fraction of the singular values below ``theta``; a power series where r is small and its closed form cancels."""
    angle = np.arctan2(root * np.sin(theta), 1 - root * np.cos(theta))
    small = root < 0.1
    safe = np.where(small, 1.0, root)
    closed = (angle - safe * np.sin(theta)) / safe**2
    series = np.sum(np.where(small, root, 0.0)[..., None] ** (TERMS - 2) * np.sin(theta[..., None] * TERMS) / TERMS, axis=-1)
    return (theta + angle - np.where(small, series, closed)) / np.pi
