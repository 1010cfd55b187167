"""Magnitude pruning that is described by a sketch, as far as is known of Guha, Dubey and Huo (arXiv 2305.18789).

A pruned matrix X with few entries is described by Y = A X B', A and B random and sparse, fixed before the data are seen.
Theirs decodes by l1 minimisation; here each entry is the median of the places of Y that it went to, and what that misses is sketched and
estimated again. ``value`` is what the decoder finds, so a sketch that is too small shows as an error.
Source: guide/compression.md, Sketches.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_key, traced
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.compressibility import checked
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed

DEGREE = 3  # places that a row, or a column, goes to
ROUNDS = 30


def sketched(key: Key[Array, ""], matrix: Float[Array, "n d"], budget: Any, rows: int, columns: int) -> Compressed:
    """The ``budget`` largest entries of a matrix, found again from a sketch of (rows, columns) numbers, which are what is
    ``kept``; ``nats`` pays for them alone, since the sketch says itself which entries there are.

    Raises ValueError for a matrix that is not (n, d), not finite or all zero, for a budget that is not an integer >= 0, and
    rows or columns that are not multiples of 3. Source: guide/compression.md, Sketches.
    """
    check_key(key)
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    for name, size in (("rows", rows), ("columns", columns)):
        check_count(name, size, "places", DEGREE)
        if size % DEGREE:
            raise ValueError(f"{name}: {size} places of a sketch are not a multiple of {DEGREE}; use {size - size % DEGREE}")
    if not traced(budget):
        check_count("budget", budget, "entries", 0)
    sparse = rules.compress(rules.magnitude, None, matrix, budget).value
    keys = jax.random.split(key)
    sides = [_side(k, length, size) for k, length, size in zip(keys, matrix.shape, (rows, columns), strict=True)]

    def sketch(x):
        return _dense(*sides[0], rows) @ x @ _dense(*sides[1], columns).T

    seen = sketch(sparse)

    def again(_, x):
        found = x + _medians(seen - sketch(x), *sides)
        return rules.compress(rules.magnitude, None, found, budget).value

    value = jax.lax.fori_loop(0, ROUNDS, again, jnp.zeros_like(sparse))
    kept = jnp.asarray(rows * columns)
    return Compressed(value, kept, kept * (VALUE_BITS * math.log(2)))


def _side(key: Key[Array, ""], length: int, size: int) -> tuple[Int[Array, "n k"], Any]:
    """The places that each row goes to, one in each third, and the signs it has there."""
    place, sign = jax.random.split(key)
    part = size // DEGREE
    places = jax.random.randint(place, (length, DEGREE), 0, part) + part * jnp.arange(DEGREE)
    return places, jax.random.rademacher(sign, (length, DEGREE))


def _dense(places, signs, size):
    """The matrix (size, n) that sketches n rows."""
    return jnp.zeros((size, len(places))).at[places, jnp.arange(len(places))[:, None]].set(signs)


def _medians(residual, left, right):
    """For each entry the median of the numbers that it went to, with its signs."""
    at = residual[left[0][:, None, :, None], right[0][None, :, None, :]]
    signed = at * left[1][:, None, :, None] * right[1][None, :, None, :]
    return jnp.median(signed.reshape(*signed.shape[:2], -1), axis=-1)
