"""Magnitude pruning that is described by a sketch, as far as is known of Guha, Dubey and Huo (arXiv 2305.18789).

A pruned matrix X with few entries is described by Y = A X B', A and B random and sparse, fixed before the data are seen.
Theirs decodes by l1 minimisation; here it is iterative hard thresholding (Blumensath and Davies 2010). ``value`` is what the
decoder finds, so a sketch that is too small shows as an error. Source: guide/compression.md, Sketches.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_key, sound_count
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.compressibility import checked, measurable
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed

DEGREE = 7  # places that a row, or a column, goes to
ROUNDS = 300


def sketched(key: Key[Array, ""], matrix: Float[Array, "n d"], budget: Any, rows: int, columns: int) -> Compressed:
    """The largest entries of a matrix, found again from a sketch.

    Source: guide/compression.md, Sketches.

    Args:
        key: One typed JAX key, for the matrices that sketch.
        matrix: Real numbers (n, d).
        budget: How many entries are described, an integer >= 0 that may be traced, and gives NaN where it is none.
        rows, columns: Sides of the sketch, multiples of 7.

    Returns:
        The decoded matrix (n, d); the rows x columns numbers of the sketch are what is ``kept``, and ``nats`` pays for them
        alone, since the sketch says itself which entries there are.

    Raises:
        ValueError: For a matrix that is not (n, d), not finite or all zero (traced: NaN), for a budget that is not an integer
            >= 0, rows or columns that are not multiples of 7, and no typed key.
    """
    check_key(key)
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    for name, size in (("rows", rows), ("columns", columns)):
        check_count(name, size, "places", DEGREE)
        if size % DEGREE:
            raise ValueError(f"{name}: {size} places of a sketch are not a multiple of {DEGREE}; use {size - size % DEGREE}")
    sound = sound_count("budget", budget, "entries", 0) & measurable(matrix)
    scale = jnp.max(jnp.abs(matrix))
    sparse = rules.compress(rules.magnitude, None, matrix / scale, budget).value
    keys = jax.random.split(key)
    sides = [_side(k, length, size) for k, length, size in zip(keys, matrix.shape, (rows, columns), strict=True)]

    def largest(x):
        return rules.compress(rules.magnitude, None, x, budget).value

    def again(_, x):
        slope = sides[0].T @ (seen - sides[0] @ x @ sides[1].T) @ sides[1]
        chosen = jnp.where(jnp.any(x != 0), x, largest(slope)) != 0
        along = jnp.where(chosen, slope, 0)
        change = jnp.sum((sides[0] @ along @ sides[1].T) ** 2)
        return largest(x + jnp.sum(along**2) / jnp.where(change > 0, change, 1) * slope)

    seen = sides[0] @ sparse @ sides[1].T
    value = jax.lax.fori_loop(0, ROUNDS, again, jnp.zeros_like(sparse))
    kept = jnp.asarray(rows * columns)
    return Compressed(value * scale, kept, kept * (VALUE_BITS * math.log(2))).nan_unless(sound)


def _side(key: Key[Array, ""], length: int, size: int) -> Float[Array, "m n"]:
    """The matrix that sketches rows: each goes to one place in each seventh, with a random sign."""
    place, sign = jax.random.split(key)
    part = size // DEGREE
    places = jax.random.randint(place, (length, DEGREE), 0, part) + part * jnp.arange(DEGREE)
    signs = jax.random.rademacher(sign, (length, DEGREE), float)
    return jnp.zeros((size, length)).at[places, jnp.arange(length)[:, None]].set(signs) / math.sqrt(DEGREE)
