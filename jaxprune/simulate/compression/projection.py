"""Projections: Matrix-Project of Arora et al. 2018, and the nearest matrix of a rank.

Sources: guide/compression.md, Matrix-Project and Singular values.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Real

from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import at_most, check_key, or_nan, sound_count
from jaxprune.simulate.compression.compressibility import checked, floating, measurable
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed, finite


def matrix_project(key: Key[Array, ""], matrix: Real[Array, "n d"], count: Any) -> Compressed:
    """``(1/k) sum_l <A, M_l> M_l`` of k random matrices M_l of signs: A on average.

    Of any fixed unit vectors u, v the error u'(A^ - A)v is of order |A|_F sqrt((1 + rho^2)/k), rho = u'Av/|A|_F. The signs are
    a helper string, so ``nats`` pays for k coefficients. Signs of matrix l do not depend on k: the k of a sweep share them.
    Source: guide/compression.md, Matrix-Project.

    Args:
        key: One typed JAX key, for the signs.
        matrix: Real numbers (n, d); half precision becomes float32.
        count: k, an integer >= 1 that may be traced, and gives NaN where it is none.

    Returns:
        The projection (n, d), which k coefficients describe.

    Raises:
        ValueError: For a matrix that is complex, empty, not (n, d) or not finite (traced: NaN), a count that is not an integer
            >= 1, and no typed key.
    """
    sound_count("count", count, "coefficients")
    return _at(matrix_project_path(key, matrix, jnp.atleast_1d(jnp.asarray(count))), 0)


def matrix_project_path(
    key: Key[Array, ""],
    matrix: Real[Array, "n d"],
    counts: Any,
    watch: Callable[[Array], Array] = lambda found: found,
) -> Compressed:
    """``matrix_project`` at every one of several counts, with nested signs, at the cost of the largest.

    Source: guide/compression.md, Matrix-Project.

    Args:
        key: One typed JAX key, for the signs.
        matrix: Real numbers (n, d).
        counts: Numbers of coefficients (k,), integers >= 1; those that are traced give NaN where they are none.
        watch: What is made of each projection (n, d), such as u'A^v; the projection itself by default.

    Returns:
        ``value`` (k, ...) is what ``watch`` gives; ``kept`` and ``nats`` are (k,).

    Raises:
        ValueError: As ``matrix_project`` does.
    """
    check_key(key)
    matrix = floating("matrix", matrix)
    sound = sound_count("counts", counts, "coefficients", many=True) & finite("matrix", matrix)
    matrix, counts = matrix.astype(jnp.promote_types(matrix.dtype, jnp.float32)), jnp.asarray(counts)  # half loses long sums
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")

    def term(number, state):
        total, found = state
        signs = jax.random.rademacher(jax.random.fold_in(key, number), matrix.shape, matrix.dtype)
        total = total + jnp.sum(matrix * signs) * signs
        here = watch(total / (number + 1))
        done = (counts == number + 1).reshape(-1, *[1] * here.ndim)
        return total, jnp.where(done, here, found)

    first = jax.eval_shape(watch, matrix)
    start = jnp.zeros_like(matrix), jnp.zeros((len(counts), *first.shape), first.dtype)
    _, value = jax.lax.fori_loop(0, jnp.max(counts).astype(int), term, start)
    return Compressed(or_nan(sound, value), counts, or_nan(sound, counts * (VALUE_BITS * math.log(2))))


def low_rank(matrix: Float[Array, "n d"], rank: Any) -> Compressed:
    """The nearest matrix of a rank.

    Source: guide/compression.md, Singular values.

    Args:
        matrix: Real numbers (n, d).
        rank: An integer >= 0 that may be traced, and gives NaN where it is none; beyond min(n, d) it gives the matrix.

    Returns:
        The matrix (n, d); ``kept``: rank (n + d) numbers, more than the matrix has where the rank is above n d/(n + d).

    Raises:
        ValueError: For a matrix that is not (n, d), not finite or all zero (traced: NaN), and a rank that is not an integer
            >= 0.
    """
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    sound = sound_count("rank", rank, "singular values", 0) & measurable(matrix)
    left, values, right = linalg.svd(matrix)
    used = jnp.asarray(at_most(rank, len(values))).astype(int)
    value = (left * jnp.where(jnp.arange(len(values)) < used, values, 0)) @ right
    kept = used * sum(matrix.shape)
    value = jnp.where(used < len(values), value, matrix)
    return Compressed(value, kept, kept * (VALUE_BITS * math.log(2))).nan_unless(sound)


def stable_rank(matrix: Float[Array, "n d"]) -> Float[Array, ""]:
    """``|W|_F^2 / |W|_2^2``, with its gradient where the largest singular value is simple: a penalty that training can pay.

    Singular vectors are held fixed in the derivative, which changes nothing at first order and needs no gap between other
    singular values. Source: guide/compression.md, Stable rank.

    Args:
        matrix: Real numbers (n, d).

    Returns:
        The stable rank, in [1, min(n, d)].

    Raises:
        ValueError: For a matrix that is not (n, d), not finite or all zero.
    """
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(matrix)))
    scaled = matrix / largest
    left, _, right = linalg.svd(jax.lax.stop_gradient(scaled))
    norm = left[:, 0] @ scaled @ right[0]
    return jnp.sum(scaled**2) / norm**2


def _at(found: Compressed, index: int) -> Compressed:
    return Compressed(*(leaf[index] for leaf in found))
