"""When the Euler scheme runs away from a super-linear drift, and the step size at which compressibility is proved.

Derivations: guide/sde.md. Scalars give floats, arrays broadcast.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.stable.laws import abs_sf, tail_constant

SMALLEST = 1e-290
FINE, COARSE = 20, 200  # cells per width of the noise next to R, and between 0 and R


def explosion_radius(step_size: ArrayLike) -> Any:
    """The |x| beyond which the Euler scheme of dX = (X - X^3) dt runs away.

    Equation: sqrt((2 + h)/h), the fixed points of x -> -(x + h (x - x^3)). Regime: exact without noise.
    Source: guide/sde.md, Explosion.

    Args:
        step_size: Step h of the scheme, > 0.

    Returns:
        The radius: a float, or an array of the shape of ``step_size``.

    Raises:
        ValueError: For an argument out of range.
    """
    h = arguments.positive("step_size", step_size)
    return plain(np.sqrt((2 + h) / h))


@arguments.broadcasts
def explosion_fraction(alpha: ArrayLike, scale: ArrayLike, step_size: ArrayLike, horizon: ArrayLike) -> Any:
    """The fraction of paths of dX = (X - X^3) dt + scale dL that the Euler scheme loses.

    Equation: 1 - exp(-horizon scale^alpha C_alpha R^-alpha), one jump beyond R = ``explosion_radius``.
    Regime: limit of small steps, where R is far from the wells; 0 for alpha = 2. Source: guide/sde.md, Explosion.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        horizon: Time up to which paths are followed, >= 0.

    Returns:
        The fraction: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, scale = arguments.index("alpha", alpha), arguments.size("scale", scale)
    horizon, radius = arguments.size("horizon", horizon), np.asarray(explosion_radius(step_size))
    return plain(-np.expm1(-horizon * tail_constant(alpha) * (scale / radius) ** alpha))


def lost_fraction(alpha: float, scale: float, step_size: float, steps: int) -> float:
    """The fraction of paths of dX = (X - X^3) dt + scale dL from 0 that the Euler scheme has lost.

    Lost are those that lie beyond R = ``explosion_radius`` at the end, or have been beyond 2 R.

    Equation: the scheme's Markov chain, P(x -> cell) from ``abs_sf``, on cells that are finer next to R; even in x.
    Regime: exact at every step size, to about 2e-4 of the value (cells). Source: guide/sde.md, Explosion.

    Args:
        alpha: Stability index of the noise, a number in (0, 2].
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        steps: How many steps, a whole number >= 1.

    Returns:
        The fraction; NaN where the noise of a step is beneath the floats (tiny alpha), or beyond them.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, scale = float(arguments.index("alpha", alpha)), float(arguments.size("scale", scale))
    steps, radius = int(arguments.whole("steps", steps)), float(explosion_radius(step_size))
    if scale == 0:
        return 0.0
    width = scale * step_size ** (1 / alpha)
    if not SMALLEST * radius < width < np.inf:
        return np.nan
    edges = _edges(radius, width)
    start = 0.5 * (edges[1:] + edges[:-1])
    moved = start + step_size * (start - start**3)
    tail = _tail(alpha, (np.max(np.abs(moved)) + edges[-1]) / width)
    beyond = tail((edges - moved[:, None]) / width) + tail((edges + moved[:, None]) / width)
    lost = np.where(start > radius, 1.0, 0.0)
    for _ in range(steps - 1):
        lost = (beyond[:, :-1] - beyond[:, 1:]) @ lost + beyond[:, -1]
    first = 2 * tail(edges / width)
    return float((first[:-1] - first[1:]) @ lost + first[-1])


def _edges(radius: float, width: float) -> Array:
    """Edges of cells from 0 to 2 ``radius``; ``radius`` is one of them, as what happens to a path jumps there."""
    near = radius + np.arange(-12 * FINE, 12 * FINE + 1) * np.clip(width, 1e-9 * radius, radius) / FINE
    near = near[(near > 0) & (near < 2 * radius)]
    inner = np.linspace(0, near[0], int(np.ceil(near[0] * COARSE / radius)) + 1)
    outer = radius + np.geomspace(near[-1] - radius, radius, 40)
    return np.unique(np.concatenate([inner, near, outer]))


def _tail(alpha: float, largest: float) -> Any:
    """P(X > z) of the unit law for |z| <= ``largest``, by a spline of its logarithm."""
    grid = np.linspace(0, np.arcsinh(1.01 * max(largest, 1e-100)), 3000)
    log = CubicSpline(grid, np.log(np.maximum(abs_sf(np.sinh(grid), alpha), 1e-300)))

    def tail(z: Array) -> Array:
        upper = 0.5 * np.exp(log(np.arcsinh(np.abs(z))))
        return np.where(z > 0, upper, 1 - upper)

    return tail


@arguments.broadcasts
def step_condition(alpha: ArrayLike, n: ArrayLike) -> Any:
    """The largest step size for which the compressibility of n neurons is proved.

    Equation: n^(-alpha/2 - 1). Regime: a sufficient condition, far below the step sizes in use.
    Source: guide/sde.md, Step of the theorem.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        n: Number of neurons, a whole number >= 1.

    Returns:
        The step size: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(arguments.whole("n", n) ** (-arguments.index("alpha", alpha) / 2 - 1))
