"""Lines at which the bound by quadrature is attained, each with the sign that makes their sum zero.

Every system is a union of triples whose sum is zero, the orbits of a rotation w with 1 + w + w^2 = 0. Derivations:
guide/two_layer.md, Bounds by quadrature.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from jaxprune.theory import arguments

Array = NDArray[np.floating]
EXCEPTIONAL = {6: [(0, 2), (2, 3), (3, 4), (4, 5), (1, 3)], 8: [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (1, 3)]}
COXETER = {6: 12, 8: 30}  # order of the product of all simple reflections


def polygons(M: int) -> Array:
    """M equally spaced lines of the plane as regular polygons of p corners, p the least odd prime that divides M.

    Source: guide/two_layer.md, Bounds by quadrature.

    Args:
        M: Number of lines, >= 3 and no power of 2, of which no choice of signs has the sum zero.

    Returns:
        The unit rows (M, 2).

    Raises:
        ValueError: For another M.
    """
    M = arguments.integer("M", M, 3)
    corners = next((p for p in range(3, M + 1, 2) if M % p == 0), 0)
    if not corners:
        raise ValueError(
            f"M: {M} is a power of 2, of whose equally spaced lines no signs make the sum zero; use another number"
        )
    first = np.pi * np.arange(M // corners) / M
    angle = (first[:, None] + 2 * np.pi * np.arange(corners) / corners).ravel()
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def hurwitz() -> Array:
    """The 12 lines of Hurwitz's unit quaternions: cosines 0 and 1/2 up to signs.

    Returns:
        The unit rows (12, 4).
    """
    units = np.concatenate([np.eye(4), np.array(list(itertools.product((0.5, -0.5), repeat=4)))])
    a, b, c, d = -0.5, 0.5, 0.5, 0.5  # multiplication by w = (-1 + i + j + k)/2 from the left
    turn = np.array([[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]])
    return _centred(units, turn)


def exceptional(d: int) -> Array:
    """The lines of the root system E6 or E8: cosines 0 and 1/2 up to signs.

    Args:
        d: Dimension, 6 or 8.

    Returns:
        The unit rows, (36, 6) or (120, 8).

    Raises:
        ValueError: Unless d is 6 or 8.
    """
    if (d := arguments.integer("d", d, 1)) not in EXCEPTIONAL:
        raise ValueError(f"d: no exceptional roots whose lines can be centred are known in {d} dimensions; use 6 or 8")
    gram = np.eye(d)
    for i, j in EXCEPTIONAL[d]:
        gram[i, j] = gram[j, i] = -0.5
    simple = np.linalg.cholesky(gram)
    mirrors = [np.eye(d) - 2 * np.outer(v, v) for v in simple]
    product = np.linalg.multi_dot(mirrors)
    roots = simple
    while True:
        more = _lines(np.concatenate([roots, *(roots @ mirror for mirror in mirrors)]))
        if len(more) == len(roots):
            return _centred(roots, np.linalg.matrix_power(product, COXETER[d] // 3))
        roots = more


def _lines(vectors: Array) -> Array:
    """One unit vector of each line."""
    different = np.abs(vectors @ vectors.T) > 1 - 1e-9
    return vectors[np.argmax(different, axis=1) == np.arange(len(vectors))]


def _centred(vectors: Array, turn: Array) -> Array:
    """The lines of ``vectors``, as orbits of a rotation of order 3 that fixes none."""
    left, found = _lines(vectors), []
    while len(left):
        orbit = np.stack([left[0], turn @ left[0], turn @ turn @ left[0]])
        found.append(orbit)
        left = left[np.max(np.abs(left @ orbit.T), axis=1) < 1 - 1e-9]
    frame = np.concatenate(found)
    return frame / np.linalg.norm(frame, axis=1, keepdims=True)
