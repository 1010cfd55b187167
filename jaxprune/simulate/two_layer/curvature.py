"""The smallest eigenvalue of the Hessian at an optimum, with its error: so that a minimum is shown to be one.

An objective that does not change when all rows rotate about the target's own directions has modes without curvature, known in
closed form; they are set apart, and what is left must be positive. Source: guide/two_layer.md, Gradient.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate import linalg
from jaxprune.simulate.arc_cosine import EXACT
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer.objectives import Objective, Rows, Signs, hessian_product

LAST = 8  # eps, by which unit rows that are the same may differ
SMALL = 1e-12  # squared lengths below this share of the whole count as zero


class Curvature(NamedTuple):
    """``smallest``: eigenvalue of the Hessian over the rows that are not zero, without the modes of rotation; ``raw``: with
    them; ``error``: how far off both can be, from round-off and from what the Hessian does to the modes; ``rotations``: their
    number. A strict minimum, up to rotations, has ``smallest > error``."""

    smallest: Float[Array, ""]
    raw: Float[Array, ""]
    error: Float[Array, ""]
    rotations: Float[Array, ""]


def curvature(objective: Objective, rows: Rows, signs: Signs) -> Curvature:
    """The smallest eigenvalue of the Hessian at a stationary point. Takes (M d)^2 numbers and two eigenvalue problems.

    Of a zero row it says nothing: there the loss has a cone point. Source: guide/two_layer.md, Gradient.

    Args:
        objective: What is minimised.
        rows: The stationary point (M, d).
        signs: Signs of the outputs (M,), 1.0 or -1.0.

    Returns:
        The eigenvalue with and without the modes of rotation, and its error.
    """
    full = hessian(objective, rows, signs)
    modes = rotations(objective, rows).reshape(-1, rows.size)
    norm = jnp.linalg.norm(full)
    dead = jnp.repeat(jnp.all(rows == 0, axis=1), rows.shape[1])
    above = full + jnp.diag(jnp.where(dead, norm, 0))  # what is set apart lies above all else
    apart = above + norm * jnp.matmul(modes.T, modes, precision=EXACT)
    moved = jnp.linalg.norm(jnp.matmul(modes, full, precision=EXACT))
    round_off = jnp.finfo(rows.dtype).eps * rows.size * norm * (1 + _steepest(objective, rows))
    smallest, raw = linalg.eigh(apart)[0][0], linalg.eigh(above)[0][0]
    return Curvature(smallest, raw, moved + round_off, jnp.sum(jnp.linalg.norm(modes, axis=1) > 0.5))


def hessian(objective: Objective, rows: Rows, signs: Signs) -> Float[Array, "Md Md"]:
    """All of the Hessian, symmetric; zero for rows that are zero.

    Source: guide/two_layer.md, Gradient.

    Args:
        objective: What is minimised.
        rows: Where (M, d).
        signs: Signs of the outputs (M,), 1.0 or -1.0.

    Returns:
        The matrix (M d, M d).
    """
    product = hessian_product(objective, rows, signs)
    basis = jnp.eye(rows.size, dtype=rows.dtype).reshape(-1, *rows.shape)
    full = jax.vmap(product)(basis).reshape(rows.size, rows.size)
    return (full + full.T) / 2


def rotations(objective: Objective, rows: Rows) -> Float[Array, "K M d"]:
    """Orthonormal changes of the rows by rotations that leave the target as it is.

    Args:
        objective: Holds the target.
        rows: The rows (M, d).

    Returns:
        Changes (K, M, d), K = d (d - 1) / 2; zero where two directions have none.
    """
    free, basis = _free_directions(objective, rows)
    first, second = np.triu_indices(len(basis), 1)
    heights = jnp.matmul(rows, basis, precision=EXACT)  # (M, d), orthogonal columns
    square = jnp.sum(heights**2, axis=0)
    changes = heights.T[first][:, :, None] * basis.T[second][:, None] - heights.T[second][:, :, None] * basis.T[first][:, None]
    length = square[first] + square[second]
    there = free[first] & free[second] & (length > SMALL * jnp.sum(square))
    return jnp.where(there, 1 / jnp.sqrt(jnp.where(there, length, 1)), 0)[:, None, None] * changes


def _free_directions(objective, rows) -> tuple[Bool[Array, " d"], Float[Array, "d d"]]:
    """An orthonormal basis (in columns) in which the rows' coordinates are uncorrelated, and which of it the target lacks."""
    used = jnp.where(objective.weights != 0, 1, 0)[:, None] * objective.rows
    slope = objective.slope / jnp.where(jnp.any(objective.slope != 0), jnp.linalg.norm(objective.slope), 1)
    eigs, basis = linalg.eigh(jnp.outer(slope, slope) + jnp.matmul(used.T, used, precision=EXACT))
    lacks = basis * (eigs <= SMALL * jnp.maximum(eigs[-1], 1))
    outside = jnp.matmul(rows, lacks, precision=EXACT)
    spread = jnp.matmul(outside.T, outside, precision=EXACT)
    taken = jnp.diag(jnp.where(jnp.any(lacks != 0, axis=0), 0, 2 * jnp.trace(spread) + 1))
    _, turned = linalg.eigh(spread + taken)
    mixed = jnp.matmul(basis, turned, precision=EXACT)
    return jnp.sum(jnp.matmul(lacks.T, mixed, precision=EXACT) ** 2, axis=0) > 0.5, mixed


def _steepest(objective, rows):
    """1 over the smallest sine of the angles between rows, also those of the target, by which round-off grows: at most to the
    root of eps, where the Hessian takes rows for coincident, and is no farther from its limit. Those that are so but for
    their last digits do not count."""
    size, unit = polar(rows)
    pairs = ~jnp.eye(len(rows), dtype=bool) & (size > 0) & (size > 0)[:, None]
    target = (objective.weights != 0) & (size > 0)[:, None]
    return jnp.maximum(_over_sine(unit, unit, pairs), _over_sine(unit, objective.rows, target))


def _over_sine(unit, others, pairs):
    eps = jnp.finfo(unit.dtype).eps

    def steepest(row, mask):
        """By chords: of angles below the root of eps the cosine says nothing, 1 or not by how a program was fused."""
        opposite = jnp.linalg.norm(row - others, axis=1) * jnp.linalg.norm(row + others, axis=1) / 2
        return jnp.max(jnp.where(mask & (opposite > LAST * eps), 1 / jnp.maximum(opposite, eps**0.5), 0), initial=0)

    return jnp.max(jax.lax.map(lambda pair: steepest(*pair), (unit, pairs)), initial=0)
