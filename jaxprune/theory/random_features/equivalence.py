"""The linear Gaussian problem that random-features regression is taken to be equivalent to.

Inputs ``a ~ N(0, I)`` of d_in entries, features ``activation(weights a)`` with ``weights`` (p, d_in), and
``y = teacher(a) + noise z``. ``teacher`` (d_in,) is linear, or (k,) with ``inner`` (k, d_in) the outer weights of a
network of the same activation. The covariance is E[x x^T], not centred. Hand the triple of ``equivalent`` to
``theory.least_squares.correlated``. That its risks are those of the features is a conjecture, with a bias of some per cent at
hundreds of inputs: ``sims/bench/gaussian_equivalence.py`` measures it.
Derivations: guide/random_features.md; every equation is written out where it is used.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.spatial.distance import cdist

from jaxprune.theory import arguments
from jaxprune.theory.random_features import kernels
from jaxprune.theory.random_features.kernels import ACTIVATIONS

Array = NDArray[np.float64]
PARALLEL = 1e-6  # distance of two directions below which they count as one


class Moments(NamedTuple):
    """``covariance`` (p, p) = E[x x^T], ``cross`` (p,) = E[x y], ``energy`` = E[y^2]."""

    covariance: Array
    cross: Array
    energy: float


def moments(
    weights: ArrayLike, teacher: ArrayLike, noise: float, activation: str = "relu", inner: ArrayLike | None = None
) -> Moments:
    """Second moments of the features and the target.

    Equation: ReLU by the arc-cosine kernel |r||s| [sin phi + (pi - phi) cos phi] / 2 pi, phi = 2 atan of the ratio of
    the chords |u - v| / |u + v|; any other activation by quadrature over both neurons, given the angle. Regime: exact.
    Source: guide/random_features.md, Second moments.

    Args:
        weights: Weights of the features (p, d_in), float64, rows that are neither zero nor parallel to each other.
        teacher: Linear (d_in,), or with ``inner`` the outer weights of a network (k,); float64.
        noise: Standard deviation of the label noise, >= 0.
        activation: "relu", "erf", "tanh", "sigmoid", "gelu" or "sine".
        inner: Inner weights of the teacher (k, d_in), float64, for a network of the same activation; None for a linear one.

    Returns:
        The ``Moments``.

    Raises:
        ValueError: For an argument of another type, shape or range, for rows that are zero or parallel, and for rows so long
            or so different in length that quadrature is not exact.
    """
    activation = arguments.choice("activation", activation, ACTIVATIONS)
    weights, teacher = _rows(weights, activation), arguments.vector("teacher", teacher)
    inner = _inner(inner, teacher)
    if (dim := len(teacher) if inner is None else inner.shape[1]) != weights.shape[1] or dim < 1:
        raise ValueError(f"weights: shape {weights.shape} does not fit a teacher of d_in = {dim} inputs; d_in must be >= 1")
    variance = arguments.non_negative("noise", noise) ** 2
    covariance = kernels.moments(activation, weights)
    if inner is None:
        cross = kernels.slopes(activation, weights) * (weights @ teacher)
        return Moments(covariance, cross, float(teacher @ teacher) + variance)
    cross = kernels.moments(activation, weights, inner) @ teacher
    return Moments(covariance, cross, float(teacher @ kernels.moments(activation, inner) @ teacher) + variance)


def equivalent(
    weights: ArrayLike, teacher: ArrayLike, noise: float, activation: str = "relu", inner: ArrayLike | None = None
) -> tuple[Array, Array, float]:
    """The linear Gaussian problem with the same second moments.

    Equation: teacher = covariance^-1 E[x y], noise^2 = E[y^2] - E[x y] . teacher. Regime: the moments are exact;
    that least squares on the features has the risks of this problem is the Gaussian equivalence, a conjecture.
    Source: guide/random_features.md, The equivalent problem.

    Args:
        weights: Weights of the features (p, d_in), float64, rows that are neither zero nor parallel to each other.
        teacher: Linear (d_in,), or with ``inner`` the outer weights of a network (k,); float64.
        noise: Standard deviation of the label noise, >= 0.
        activation: "relu", "erf", "tanh", "sigmoid", "gelu" or "sine".
        inner: Inner weights of the teacher (k, d_in), float64, for a network of the same activation; None for a linear one.

    Returns:
        ``(covariance, teacher, noise)``, of shapes (p, p), (p,) and (), as ``theory.least_squares.correlated`` takes them.

    Raises:
        ValueError: As ``moments``, and where the covariance is singular in this precision.
    """
    return project(moments(weights, teacher, noise, activation, inner))


def project(found: Moments, width: int | None = None) -> tuple[Array, Array, float]:
    """``equivalent`` for the first ``width`` features, so that one computation of the moments serves every width.

    Equation: as in ``equivalent``. Regime: exact. Source: guide/random_features.md, The equivalent problem.

    Args:
        found: Moments of p features.
        width: How many features, in 1 .. p; None for all.

    Returns:
        ``(covariance, teacher, noise)``, of shapes (width, width), (width,) and ().

    Raises:
        ValueError: For a width out of range, and where the covariance is singular in this precision.
    """
    p = arguments.integer("width", len(found.cross) if width is None else width, 1, len(found.cross))
    covariance, cross = found.covariance[:p, :p], found.cross[:p]
    best = _solve(covariance, cross)
    return covariance, best, float(np.sqrt(max(found.energy - cross @ best, 0.0)))


def surrogate(weights: ArrayLike, activation: str = "relu") -> Array:
    """The covariance of the features where d_in is large.

    Equation: mu0 mu0^T + (mu1 mu1^T) o (U U^T) + diag(mu*^2), U the directions of the rows, o entry by entry, mu0 = E f,
    mu1 = E h f, mu*^2 = E f^2 - mu0^2 - mu1^2 with f = activation(|r| h); for ReLU and unit rows 1/sqrt(2 pi), 1/2 and
    1/4 - 1/(2 pi). Regime: limit; off the diagonal the error is O(1/d_in) of the square of the cosines, of cubic order
    for odd activations. Source: guide/random_features.md, Many inputs.

    Args:
        weights: Weights of the features (p, d_in), float64, rows that are neither zero nor parallel to each other.
        activation: "relu", "erf", "tanh", "sigmoid", "gelu" or "sine".

    Returns:
        The covariance (p, p).

    Raises:
        ValueError: For an argument of another type or shape, for rows that are zero or parallel, and for rows too long for
            quadrature.
    """
    activation = arguments.choice("activation", activation, ACTIVATIONS)
    weights = _rows(weights, activation)
    mean, slope, energy = kernels.line(activation, weights)
    covariance = np.outer(mean, mean) + np.outer(slope, slope) * (weights @ weights.T)
    np.fill_diagonal(covariance, energy)
    return covariance


def _solve(covariance: Array, cross: Array) -> Array:
    try:
        factor = linalg.cho_factor(covariance, lower=True)
        pivots = np.diag(factor[0]) ** 2
    except np.linalg.LinAlgError:
        factor, pivots = None, np.zeros(1)
    if factor is None or np.min(pivots) <= len(cross) * np.finfo(float).eps * np.max(np.diag(covariance)):
        least, most = np.linalg.eigvalsh(covariance)[[0, -1]]
        raise ValueError(
            f"weights: the covariance of {len(cross)} features is singular, with eigenvalues {least:.3g} .. {most:.3g};"
            " use fewer features, or more inputs"
        )
    return linalg.cho_solve(factor, cross)


def _matrix(name: str, value: ArrayLike) -> Array:
    array = np.asarray(value)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 1:
        raise ValueError(f"{name}: shape {array.shape} is not (rows, d_in) with at least one of each")
    return arguments.vector(name, array.ravel()).reshape(array.shape)


def _inner(inner: ArrayLike | None, teacher: Array) -> Array | None:
    if inner is None:
        return None
    inner = _matrix("inner", inner)
    if len(inner) != len(teacher):
        raise ValueError(f"inner: {len(inner)} rows do not fit {len(teacher)} outer weights of the teacher")
    return inner


def _rows(weights: ArrayLike, activation: str) -> Array:
    weights = _matrix("weights", weights)
    size = np.linalg.norm(weights, axis=1)
    if not np.all(size):
        raise ValueError(f"weights: row {int(np.argmin(size))} is zero, so its feature does not vary; leave it out")
    unit = weights / size[:, None]
    # relu(h) and relu(-h) are two features, tanh(h) and tanh(-h) are one
    for other in (unit,) if activation == "relu" else (unit, -unit):
        distance = cdist(unit, other)
        np.fill_diagonal(distance, np.inf)
        if (least := np.min(distance)) < PARALLEL:
            first, second = sorted(int(i) for i in np.unravel_index(np.argmin(distance), distance.shape))
            raise ValueError(f"weights: rows {first} and {second} are parallel, at distance {least:.3g}; leave one out")
    return weights
