"""Frames that exist in every dimension: simplices, cones, orthonormal ones, polygons; and a frame from its Gram matrix."""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import inputs
from jaxprune.theory.two_layer.frames import measures

Array = NDArray[np.floating]
SPLIT = 1e-8  # eigenvalues of a Gram matrix below it are zero, others are not


def simplex(M: int, d: int) -> Array:
    """M unit vectors in R^d with pairwise cosines -1/(M-1) and sum zero.

    Equation: sqrt(M/(M-1)) times the columns of Helmert's matrix, padded with zeros. Source: guide/two_layer.md, Frames.

    Args:
        M, d: Number of vectors and dimension, 1 <= M <= d + 1; M = 1 is one unit vector.

    Returns:
        The unit rows (M, d).

    Raises:
        ValueError: Unless M and d are integers >= 1 and M <= d + 1.
    """
    M, d = arguments.integer("M", M, 1), arguments.integer("d", d, 1)
    if d + 1 < M:
        raise ValueError(f"M: {M} vectors of one cosine -1/(M-1) need d >= {M - 1}, not {d}; use at most d + 1 = {d + 1}")
    found = np.zeros((M, d))
    if M == 1:
        found[0, 0] = 1.0
        return found
    for k in range(1, M):
        found[:k, k - 1], found[k, k - 1] = 1 / np.sqrt(k * (k + 1)), -k / np.sqrt(k * (k + 1))
    found *= np.sqrt(M / (M - 1))
    return measures.at_welch_bound("M", M, found[:, : M - 1], "take fewer vectors") if d == M - 1 else found


def cone(M: int, d: int, cosine: float, direction: ArrayLike) -> Array:
    """M unit vectors at equal angles to ``direction`` with pairwise cosines ``cosine``.

    Equation: tilt a = sqrt((1 + (M-1) cosine)/M) to the direction, a simplex across it. Source: guide/two_layer.md, Frames.

    Args:
        M, d: Number of vectors and dimension, 1 <= M <= d, or M <= d + 1 at the cosine -1/(M-1) of a simplex.
        cosine: Pairwise cosine in [-1/(M-1), 1], up to 1e-12 beyond; for M = 1 any in [-1, 1], or NaN as in ``best_cone``.
        direction: Float64 (d,), of any length but 0; not used for a simplex of d + 1 vectors.

    Returns:
        The unit rows (M, d); for M = 1 the direction itself.

    Raises:
        ValueError: For other arguments.
    """
    M, d = arguments.integer("M", M, 1), arguments.integer("d", d, 1)
    axis, low = _axis(direction, d), -1 / max(M - 1, 1)
    if M > 1 or not (isinstance(cosine, float) and np.isnan(cosine)):
        cosine = inputs.number("cosine", cosine, low - inputs.SLACK, 1 + inputs.SLACK, "[]", f"{M} vectors can have no other")
    if M == 1:
        return axis[None]
    if d + 1 == M and cosine <= low + inputs.SLACK:
        return simplex(M, d)
    if d < M:
        raise ValueError(f"M: {M} vectors around a direction need d >= {M}, not {d}; use at most {d}")
    tilt = np.sqrt(np.clip((1 + (M - 1) * cosine) / M, 0, 1))
    across = np.sqrt(np.clip((M - 1) * (1 - cosine) / M, 0, 1))
    return tilt * axis + across * simplex(M, d - 1) @ _complement(axis)


def orthonormal(M: int, d: int) -> Array:
    """The first M unit vectors of R^d.

    Source: guide/two_layer.md, Frames.

    Args:
        M, d: Number of vectors and dimension, 1 <= M <= d.

    Returns:
        The unit rows (M, d).

    Raises:
        ValueError: Unless M and d are integers with 1 <= M <= d.
    """
    d = arguments.integer("d", d, 1)
    return np.eye(d)[: arguments.integer("M", M, 1, d)]


def polygon(M: int) -> Array:
    """The corners of a regular polygon: tight and centred for M >= 3.

    Equation: (cos, sin) of 2 pi k/M. Source: guide/two_layer.md, Frames.

    Args:
        M: Number of corners, >= 1.

    Returns:
        The unit rows (M, 2).

    Raises:
        ValueError: Unless M is an integer >= 1.
    """
    M = arguments.integer("M", M, 1)
    angle = 2 * np.pi * np.arange(M) / M
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def from_gram(gram: ArrayLike) -> Array:
    """Unit vectors of a Gram matrix with unit diagonal.

    Equation: eigenvectors times the roots of eigenvalues, which must be zero or clearly not.
    Source: guide/two_layer.md, Frames.

    Args:
        gram: A symmetric float64 matrix (M, M).

    Returns:
        The unit rows (M, d), d the rank of the matrix.

    Raises:
        ValueError: For a matrix that is not symmetric, positive semi-definite, of unit diagonal and of clear rank.
    """
    gram = inputs.symmetric("gram", gram)
    if (gap := np.max(np.abs(np.diag(gram) - 1))) > inputs.UNIT:
        raise ValueError(f"gram: its diagonal is off 1 by {gap:.3g}; divide rows and columns by the lengths")
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    if values[0] < -SPLIT:
        raise ValueError(f"gram: has the eigenvalue {values[0]:.3g}; a Gram matrix has none below zero")
    live = values > SPLIT
    if np.any(unclear := live & (values < SPLIT**0.5)):
        raise ValueError(f"gram: the eigenvalue {values[unclear][0]:.3g} is neither zero nor clear of it; its rank is unclear")
    found = vectors[:, live] * np.sqrt(values[live])
    return found / np.linalg.norm(found, axis=1)[:, None]


def _axis(direction: ArrayLike, d: int) -> Array:
    direction = inputs.vector("direction", direction, d, "cone")
    scale = np.max(np.abs(direction))
    if scale == 0:
        raise ValueError("direction: is zero; give the vector that the cone surrounds")
    return direction / scale / np.linalg.norm(direction / scale)


def _complement(axis: Array) -> Array:
    """d - 1 orthonormal rows across a unit vector: the reflection that takes the axis to a unit vector, less one row."""
    k = int(np.argmax(np.abs(axis)))
    mirror = axis.copy()
    mirror[k] += np.copysign(1.0, axis[k])
    reflection = np.eye(len(axis)) - 2 * np.outer(mirror, mirror) / (mirror @ mirror)
    return np.delete(reflection, k, axis=0)
