"""Operator norms by power iteration of a fixed length, with what is left undone. Source: guide/matrices.md, Operator norm."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count

EXACT = jax.lax.Precision.HIGHEST
STEPS = 200


class Norm(NamedTuple):
    """``value``, at most the norm, and the ``residual`` |A'A v - value^2 v|/value^2 of its unit vector v: some singular value s
    has |s^2/value^2 - 1| <= residual."""

    value: Float[Array, ""]
    residual: Float[Array, ""]


def operator_norm(key: Key[Array, ""], matrix: Float[Array, "n1 n2"], steps: int = STEPS) -> Norm:
    """||A||_2 by power iterations on A'A from two vectors, the larger of two Rayleigh quotients; 0 of a matrix of zeros.

    The vectors are the coordinate vector of the largest entry's column, which a heavy tail hardly moves, and a random one.
    Below tail index 2 gaps are wide and few steps do. Above it the edge of the spectrum is dense: then a value may lack 1e-3 of
    the norm after hundreds of steps, and the residual says so.

    Args:
        key: One typed JAX key, for the random vector.
        matrix: A (n1, n2).
        steps: Number of power iterations, >= 1.

    Returns:
        The norm, from below, and the residual.

    Raises:
        ValueError: For fewer than one step.
    """
    check_count("steps", steps, "power iterations")
    top = jnp.max(jnp.abs(matrix))
    unit = matrix / jnp.where(top > 0, top, 1)
    column = jnp.argmax(jnp.max(jnp.abs(unit), axis=0))
    first = (jnp.arange(unit.shape[1]) == column).astype(unit.dtype)
    starts = jnp.stack([first, jax.random.normal(key, first.shape, unit.dtype)], axis=1)
    vectors = jax.lax.fori_loop(0, steps, lambda _, v: _normalised(_gram(unit, v)), _normalised(starts))
    squares = jnp.sum(jnp.matmul(unit, vectors, precision=EXACT) ** 2, axis=0)
    best = jnp.argmax(squares)
    square, vector = squares[best], vectors[:, best]
    change = _gram(unit, vector[:, None])[:, 0] - square * vector
    safe = jnp.where(square > 0, square, 1)
    return Norm(top * jnp.sqrt(square), jnp.linalg.norm(change) / safe)


def _gram(matrix: Array, vectors: Array) -> Array:
    return jnp.matmul(matrix.T, jnp.matmul(matrix, vectors, precision=EXACT), precision=EXACT)


def _normalised(vectors: Array) -> Array:
    length = jnp.linalg.norm(vectors, axis=0)
    return vectors / jnp.where(length > 0, length, 1)
