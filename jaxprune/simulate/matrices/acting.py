"""What a matrix, and what is kept of it, does to vectors. Source: guide/matrices.md, Action on a vector; Bilinear forms."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

EXACT = jax.lax.Precision.HIGHEST


def argmax_gap(values: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    """(y_(1) - y_(2))/y_(1) of the two largest magnitudes along the last axis.

    Args:
        values: Real numbers (..., n), n >= 2.

    Returns:
        Gaps (...) in [0, 1]; NaN where all values are 0.

    Raises:
        ValueError: For fewer than two values.
    """
    if values.shape[-1] < 2:
        raise ValueError(f"values: shape {values.shape} has no two values to compare; pass two or more along the last axis")
    largest = jax.lax.top_k(jnp.abs(values), 2)[0]
    return (largest[..., 0] - largest[..., 1]) / largest[..., 0]


def agree(values: Float[Array, "*#batch n"], others: Float[Array, "*#batch n"]) -> Bool[Array, "..."]:
    """Whether the largest magnitude stands at the same place of both; of equal ones the lower index counts.

    Args:
        values, others: Real numbers (..., n), whose first axes broadcast.

    Returns:
        Booleans of the common shape (...).
    """
    return jnp.argmax(jnp.abs(values), axis=-1) == jnp.argmax(jnp.abs(others), axis=-1)


def survives(matrix: Float[Array, "n1 n2"], x: Float[Array, " n2"], noise: Float[Array, "k n2"]) -> Bool[Array, " k"]:
    """Whether the largest coordinate of A x is that of A (x + noise) too, for each row of noise.

    Args:
        matrix: A (n1, n2).
        x: A vector (n2,).
        noise: k vectors (k, n2).

    Returns:
        Booleans (k,).
    """
    before = jnp.matmul(matrix, x, precision=EXACT)
    change = jnp.matmul(noise, matrix.T, precision=EXACT)
    return agree(before[None, :], before[None, :] + change)


def bilinear_error(
    matrix: Float[Array, "n1 n2"],
    reduced: Float[Array, "n1 n2"],
    left: Float[Array, "k n1"],
    right: Float[Array, "k n2"],
) -> Float[Array, " k"]:
    """|u'(A^ - A)v| / (||A||_F |u| |v|) for k pairs of vectors.

    The matrix is divided by its largest entry first, as squares may overflow.

    Args:
        matrix: A (n1, n2).
        reduced: A^, what stands for it, (n1, n2).
        left: Vectors u, the rows of (k, n1).
        right: Vectors v, the rows of (k, n2).

    Returns:
        Errors (k,), >= 0; NaN where a vector or the matrix is 0.
    """
    top = jnp.max(jnp.abs(matrix))
    unit, change = matrix / top, (reduced - matrix) / top
    forms = jnp.sum(left * jnp.matmul(right, change.T, precision=EXACT), axis=-1)
    lengths = jnp.linalg.norm(left, axis=-1) * jnp.linalg.norm(right, axis=-1)
    return jnp.abs(forms) / (lengths * jnp.linalg.norm(unit))
