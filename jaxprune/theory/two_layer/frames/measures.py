"""Measures of a frame, M unit rows in R^d or C^d: how far from equiangular, tight and centred it is."""

from __future__ import annotations  # help shows ArrayLike by its name

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import inputs

TOLERANCE = 1e-10  # of the coherence of an equiangular tight frame


def coherence(frame: ArrayLike) -> float:
    """The largest |cosine| of two of the vectors.

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), M >= 2, float64 or complex.

    Returns:
        The coherence, in [0, 1].

    Raises:
        ValueError: For other rows.
    """
    return float(np.max(_cosines(frame)))


def welch_bound(M: int, d: int) -> float:
    """The least coherence of M unit vectors in d dimensions, real or complex.

    Equation: sqrt((M - d)/(d (M - 1))), 0 for M <= d; attained just by equiangular tight frames. Regime: proved.
    Source: guide/two_layer.md, Frames.

    Args:
        M, d: Number of vectors, >= 2, and dimension, >= 1.

    Returns:
        The bound, in [0, 1].

    Raises:
        ValueError: Unless M >= 2 and d >= 1 are integers.
    """
    M, d = arguments.integer("M", M, 2), arguments.integer("d", d, 1)
    return math.sqrt(max(M - d, 0) / (d * (M - 1)))


def tightness(frame: ArrayLike, span: bool = False) -> float:
    """How far from tight: |U* U - (M/d) I|_F / (M/d), zero for a tight frame.

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), float64 or complex.
        span: Whether d is taken as the number of dimensions that the rows span, where a simplex of M <= d vectors is tight.

    Returns:
        The distance, >= 0.

    Raises:
        ValueError: For other rows, and unless ``span`` is True or False.
    """
    frame = inputs.frame(frame, complex_too=True)
    values = np.linalg.svd(frame, compute_uv=False) ** 2
    d = dimension(frame) if inputs.flag("span", span) else frame.shape[1]
    values = np.concatenate([values, np.zeros(max(d - len(values), 0))])[:d]
    return float(np.linalg.norm(values * d / len(frame) - 1))


def dimension(frame: ArrayLike) -> int:
    """The number of dimensions that the rows span: singular values above 1e-9 of the largest.

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), float64 or complex.

    Returns:
        The number, in 1 .. min(M, d).

    Raises:
        ValueError: For other rows.
    """
    return int(np.linalg.matrix_rank(inputs.frame(frame, complex_too=True), rtol=1e-9))


def centroid(frame: ArrayLike) -> float:
    """The length of the mean of the vectors, |sum u|/M: zero for a centred frame.

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), float64 or complex.

    Returns:
        The length, in [0, 1].

    Raises:
        ValueError: For other rows.
    """
    return float(np.linalg.norm(np.mean(inputs.frame(frame, complex_too=True), axis=0)))


def potential(frame: ArrayLike) -> float:
    """The frame potential: the sum of cosines squared over all pairs (i, j), at least max(M, M^2/d).

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), float64 or complex.

    Returns:
        The sum, in [max(M, M^2/d), M^2].

    Raises:
        ValueError: For other rows.
    """
    frame = inputs.frame(frame, complex_too=True)
    return float(np.sum(np.linalg.svd(frame, compute_uv=False) ** 4))


def equiangularity(frame: ArrayLike, lines: bool = True) -> float:
    """The standard deviation over pairs of |cosine|, or of the cosine itself: zero if equiangular.

    Source: guide/two_layer.md, Frames.

    Args:
        frame: Unit rows (M, d), M >= 2, float64 or complex.
        lines: Whether |cosine| is taken; False takes the cosine itself, of real rows.

    Returns:
        The deviation, >= 0.

    Raises:
        ValueError: For other rows, for cosines of complex ones, and unless ``lines`` is True or False.
    """
    if inputs.flag("lines", lines):
        return float(np.std(_cosines(frame)))
    frame = inputs.frame(frame)
    return float(np.std((frame @ frame.T)[_pairs(len(frame))]))


def at_welch_bound(name: str, value: object, frame: NDArray, cure: str) -> NDArray:
    """The frame, if it is equiangular and tight to ``TOLERANCE``; else a ValueError of the argument that it was made of."""
    gap = coherence(frame) - welch_bound(*frame.shape)
    if abs(gap) > TOLERANCE:
        raise ValueError(f"{name}: {value} gives a coherence {gap:.3g} above the Welch bound; {cure}")
    return frame


def _cosines(frame: ArrayLike) -> NDArray[np.float64]:
    frame = inputs.frame(frame, complex_too=True)
    return np.minimum(np.abs(frame @ frame.conj().T)[_pairs(len(frame))], 1.0)


def _pairs(count: int) -> tuple[NDArray, NDArray]:
    if count < 2:
        raise ValueError(f"frame: has {count} vector; cosines need two or more")
    return np.triu_indices(count, 1)
