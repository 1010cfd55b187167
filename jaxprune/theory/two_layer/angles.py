"""Lengths and directions of rows, and cosines and sines of the angles between them, each to its own last digits."""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.floating]
NEAR = 0.99  # of |cosine|, beyond which a sine is taken from chords
MANY = 0.1  # of pairs so near, above which the chords of all are taken at once


def polar(rows: Array) -> tuple[Array, Array]:
    """Lengths (M,) and directions (M, d); a zero row has direction zero. Squares neither overflow nor underflow; a length above
    the largest float is infinite."""
    largest = np.max(np.abs(rows), axis=1)
    scaled = rows / np.where(largest > 0, largest, 1)[:, None]
    length = np.linalg.norm(scaled, axis=1)
    with np.errstate(over="ignore"):
        found = largest * length
    return found, scaled / np.where(length > 0, length, 1)[:, None]


def balanced(rows: Array, weights: Array, degree: int) -> tuple[Array, Array, int]:
    """Neurons of homogeneity ``degree`` with rows of entries up to 1 and weights up to 1, and the exponent of two by which the
    weights were divided: powers of two only, so nothing is rounded. The weights of zero rows are zero (unless degree is 0)."""
    shift = np.frexp(np.max(np.abs(rows), axis=1))[1]
    mantissa, exponent = np.frexp(weights)
    live = mantissa != 0
    if degree:
        live &= np.any(rows, axis=1)
    exponent = exponent + degree * shift
    common = int(np.max(exponent[live])) if np.any(live) else 0
    scaled = np.ldexp(np.where(live, mantissa, 0.0), np.where(live, exponent - common, 0))
    return np.ldexp(rows, -shift[:, None]), scaled, common


def restored(value: ArrayLike, exponent: ArrayLike) -> Any:
    """value 2^exponent; infinite above the largest float."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(value, exponent)


def between(unit: Array, other: Array, same: bool = False) -> tuple[Array, Array]:
    """Cosines and sines (p, q) of angles in [0, pi]; ``same``: both are the same rows, whose own angles are exactly zero.

    1 - cos^2 loses the sine of nearly parallel rows; there it is |u - v| |u + v| / 2.
    """
    cosine = np.clip(unit @ other.T, -1.0, 1.0)
    if same:
        np.fill_diagonal(cosine, 0.0)
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    i, j = np.nonzero(np.abs(cosine) > NEAR)
    if len(i) > cosine.size * MANY:
        sine = np.where(np.abs(cosine) > NEAR, np.minimum(cdist(unit, other) * cdist(unit, -other) / 2, 1.0), sine)
    elif len(i):
        u, v = unit[i], other[j]
        sine[i, j] = np.minimum(np.linalg.norm(u - v, axis=1) * np.linalg.norm(u + v, axis=1) / 2, 1.0)
    if same:
        own = np.any(unit, axis=1)
        np.fill_diagonal(cosine, np.where(own, 1.0, 0.0))
        np.fill_diagonal(sine, np.where(own, 0.0, 1.0))
    return cosine, sine
