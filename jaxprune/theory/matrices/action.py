"""What a heavy-tailed matrix does to a vector, and how safe the largest coordinate of the result is.

Derivations: guide/matrices.md, Action on a vector.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.matrices import checks


def output_scale(x: ArrayLike, tail_index: float) -> float:
    """The scale ||x||_alpha of the coordinates of A x, independent and symmetric stable, for stable entries of scale 1.

    Equation: (sum |x_j|^alpha)^(1/alpha). Regime: exact for stable entries; of other laws with alpha < 2 the limit for an x
    spread over many coordinates. Source: guide/matrices.md, Action on a vector.

    Args:
        x: A vector (n,), finite and not all 0.
        tail_index: Index alpha of the entries, a number in (0, 2].

    Returns:
        The scale, > 0, a float.

    Raises:
        ValueError: Unless ``x`` (n,) is finite and not all 0, for a tail index outside (0, 2] or more than one, and for a scale
            that is no float.
    """
    x, alpha = np.abs(arguments.finite("x", x)), arguments.index("tail_index", tail_index)
    if x.ndim != 1 or not np.any(x) or alpha.ndim:
        raise ValueError(
            f"x: shape {x.shape}, largest {np.max(x, initial=0)}; give one vector that is not 0, and one tail_index"
        )
    top = np.max(x)
    with np.errstate(over="ignore", under="ignore"):
        return checks.representable("tail_index", top * np.sum((x / top) ** alpha) ** (1 / alpha), "raise it")


@arguments.broadcasts
def gap_sf(x: ArrayLike, tail_index: ArrayLike):
    """P(g > x) of the relative gap g = (y_(1) - y_(2))/y_(1) of the two largest of n independent magnitudes.

    Equation: (1 - x)^alpha, as (y_(2)/y_(1))^alpha is uniform; 1 below 0, 0 above 1. Regime: exact for Pareto magnitudes, any
    n >= 2; for others with P(y > t) ~ C t^-alpha the limit of large n. Source: guide/matrices.md, Action on a vector.

    Args:
        x: Values of the gap, any numbers but NaN.
        tail_index: Index alpha of the magnitudes, > 0.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < tail_index < inf, and for an x that is NaN.
    """
    x, alpha = np.broadcast_arrays(arguments.real("x", x), checks.tail_index(tail_index))
    inside = np.where((x > 0) & (x < 1), x, 0.0)
    return plain(np.where(x < 1, np.exp(alpha * np.log1p(-inside)), 0.0))


def gap_mean(tail_index: ArrayLike):
    """E g of the relative gap of the two largest of n magnitudes.

    Equation: 1/(1 + alpha). Regime: as ``gap_sf``; with light tails g falls like 1/log n.
    Source: guide/matrices.md, Action on a vector.

    Args:
        tail_index: Index alpha of the magnitudes, > 0, of any shape.

    Returns:
        The mean, in (0, 1), of the shape of ``tail_index``; a float for a scalar.

    Raises:
        ValueError: Unless 0 < tail_index < inf.
    """
    return plain(1 / (1 + checks.tail_index(tail_index)))


def cushion_variance(tail_index: ArrayLike):
    """The variance of n2 ||A x||^2/(||A||_F^2 |x|^2), of mean 1, over matrices and Gaussian x in n2 dimensions.

    Equation: 2 - alpha below 2, 0 from there on. Regime: limit of large matrices.
    Source: guide/matrices.md, Action on a vector.

    Args:
        tail_index: Index alpha of the entries, > 0, of any shape.

    Returns:
        The variance, in [0, 2), of the shape of ``tail_index``; a float for a scalar.

    Raises:
        ValueError: Unless 0 < tail_index < inf.
    """
    return plain(np.maximum(2 - checks.tail_index(tail_index), 0.0))
