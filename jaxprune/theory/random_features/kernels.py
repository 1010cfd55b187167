"""Second moments of neurons with Gaussian inputs, by angles (ReLU) or by quadrature (smooth activations).

Quadrature is the trapezoidal rule, which converges geometrically for analytic functions times a Gaussian. A moment
depends on two lengths and a cosine only, and smoothly: it is computed on a Chebyshev grid of these three and
interpolated, so that thousands of rows cost as much as a handful.
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander
from numpy.typing import NDArray
from scipy import special
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
SMOOTH: dict[str, Callable[[Array], Array]] = {
    "erf": special.erf,
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "gelu": lambda x: x * special.ndtr(x),
    "sine": np.sin,
}
ACTIVATIONS = ("relu", *SMOOTH)
REACH = 8.4  # standard deviations at which integrals are cut: a mass of 5e-17 is left out
STEP = 0.3  # of the rule for unit rows: an error of 5e-15 for a pole at distance pi/2, that of tanh
GRIDS = ((20, 48), (40, 96), (64, 192))  # interpolation points of the lengths and of the cosine
ACCURACY = 1e-9
LONGEST = 6.0  # beyond, an activation is all but a step, and quadrature slow


def moments(activation: str, rows: Array, others: Array | None = None) -> Array:
    """E[f(r_i.a) f(s_j.a)] for a ~ N(0, I) and two sets of neurons f.

    Equation: arc-cosine kernel with the angle from both chords; or E f(|r| u) f(|s| (c u + sqrt(1-c^2) v)) over independent
    normal u, v. Regime: exact; interpolation to 1e-9 of the scale, checked at some pairs.
    Source: guide/random_features.md, Second moments.

    Args:
        activation: One of ``ACTIVATIONS``.
        rows: Weights r_i (p, d_in), float64.
        others: Weights s_j (q, d_in); None for those of ``rows``.

    Returns:
        The moments (p, q).

    Raises:
        ValueError: For rows of a smooth activation that are too long, or too different in length, for that accuracy.
    """
    size, unit = _polar(rows)
    other, direction = (size, unit) if others is None else _polar(others)
    if activation == "relu":
        near, far = cdist(unit, direction), cdist(unit, -direction)
        angle = 2 * np.arctan2(near, far)
        found = np.outer(size, other) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    else:
        found = _interpolated(SMOOTH[activation], size, other, np.clip(unit @ direction.T, -1, 1))
    if others is None:
        np.fill_diagonal(found, line(activation, rows)[2])
    return found


def slopes(activation: str, rows: Array) -> Array:
    """E[h f(|r| h)] / |r|, so that E[f(r.a) w.a] is this times r.w.

    Equation: 1/2 for ReLU, else quadrature. Regime: exact. Source: guide/random_features.md, Second moments.

    Args:
        activation: One of ``ACTIVATIONS``.
        rows: Weights r (p, d_in), float64, none of them zero.

    Returns:
        The slope of every row (p,).

    Raises:
        ValueError: For rows of a smooth activation that are too long for quadrature.
    """
    return line(activation, rows)[1]


def line(activation: str, rows: Array) -> tuple[Array, Array, Array]:
    """E f, E[h f] / |r| and E f^2 for f = activation(|r| h), h ~ N(0, 1).

    Equation: |r| / sqrt(2 pi), 1/2 and |r|^2 / 2 for ReLU, else quadrature. Regime: exact.
    Source: guide/random_features.md, Second moments.

    Args:
        activation: One of ``ACTIVATIONS``.
        rows: Weights r (p, d_in), float64, none of them zero.

    Returns:
        The three of every row, (p,) each.

    Raises:
        ValueError: For rows of a smooth activation that are too long for quadrature.
    """
    size = np.linalg.norm(rows, axis=1)
    if activation == "relu":
        return size / np.sqrt(2 * np.pi), np.full_like(size, 0.5), size**2 / 2
    node, weight = _rule(np.max(size))
    value = SMOOTH[activation](size[:, None] * node)
    return value @ weight, value @ (weight * node) / size, value**2 @ weight


def _polar(rows: Array) -> tuple[Array, Array]:
    size = np.linalg.norm(rows, axis=1)
    return size, rows / np.where(size > 0, size, 1)[:, None]


def _rule(longest: float) -> tuple[Array, Array]:
    """Nodes and Gaussian weights; finer for long rows, along which an activation turns faster."""
    if longest > LONGEST:
        raise ValueError(f"weights: a row of length {longest:.3g} is too long for quadrature; use lengths up to {LONGEST:g}")
    count = int(np.ceil(REACH * max(longest, 1.0) / STEP))
    node, step = np.linspace(-REACH, REACH, 2 * count + 1, retstep=True)
    return node, np.exp(-(node**2) / 2) * step / np.sqrt(2 * np.pi)


def _interpolated(f, size: Array, other: Array, cosine: Array) -> Array:
    """The moments at every pair, on the first grid that is right at some pairs computed directly."""
    reach = max(float(np.max(np.abs(cosine))), 1e-3)
    ranges = _range(size), _range(other)
    few, fewer = (np.quantile(lengths, [0.0, 0.3, 1.0]) for lengths in (size, other))
    cosines = reach * np.array([-1.0, 0.4, 1.0])
    direct = _table(f, few, fewer, cosines)
    for lengths, angles in GRIDS:
        grid, other_grid = (middle + half * chebpts1(lengths) for middle, half in ranges)
        coefficients = _expand(_table(f, grid, other_grid, reach * chebpts1(angles)))
        tried = [_clenshaw(coefficients, ranges, few, fewer, np.full((3, 3), c / reach)) for c in cosines]
        if np.max(np.abs(tried - direct)) <= ACCURACY * np.max(np.abs(direct)):
            return _clenshaw(coefficients, ranges, size, other, cosine / reach)
    raise ValueError(
        f"weights: rows of lengths {np.min(size):.3g} .. {np.max(size):.3g} are too different, or too long, for"
        f" moments good to {ACCURACY:g}; use more inputs, or rows of lengths near 1"
    )


def _clenshaw(coefficients: Array, ranges, size: Array, other: Array, cosine: Array) -> Array:
    """Clenshaw's sum over Chebyshev polynomials of the cosine (a matrix, in units of its reach)."""
    basis, other_basis = (
        np.asarray(chebvander((lengths - middle) / half, coefficients.shape[1] - 1), float)
        for lengths, (middle, half) in zip((size, other), ranges, strict=True)
    )
    later = latest = np.zeros_like(cosine)
    for k in range(len(coefficients) - 1, 0, -1):
        later, latest = basis @ coefficients[k] @ other_basis.T + 2 * cosine * later - latest, later
    return basis @ coefficients[0] @ other_basis.T + cosine * later - latest


def _range(size: Array) -> tuple[float, float]:
    """Middle and half width of the interval of lengths."""
    low, high = float(np.min(size)), float(np.max(size))
    return (low + high) / 2, max((high - low) / 2, 1e-3 * high, 1e-12)


def _table(f, grid: Array, other_grid: Array, cosines: Array) -> Array:
    """E f(s u) f(t (c u + sqrt(1-c^2) v)) for cosines c and lengths s and t: (cosines, lengths, lengths)."""
    node, weight = _rule(max(np.max(grid), np.max(other_grid)))
    first = f(grid[:, None] * node) * weight
    table = []
    for c in cosines:
        second = other_grid[:, None, None] * (c * node[:, None] + np.sqrt(1 - c**2) * node)
        table.append(first @ (f(second) @ weight).T)
    return np.stack(table)


def _expand(values: Array) -> Array:
    """Values on the Chebyshev points of all three axes to coefficients."""
    for axis, count in enumerate(values.shape):
        inverse = np.linalg.inv(chebvander(chebpts1(count), count - 1))
        values = np.moveaxis(np.tensordot(inverse, values, (1, axis)), 0, axis)
    return values
