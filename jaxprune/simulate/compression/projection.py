"""Projections: Matrix-Project of Arora et al. 2018, and the nearest matrix of a rank.

Sources: guide/compression.md, Matrix-Project and Singular values.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import check_key, traced
from jaxprune.simulate.compression.compressibility import checked
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed


def matrix_project(key: Key[Array, ""], matrix: Float[Array, "n d"], count: Any) -> Compressed:
    """``(1/k) sum_l <A, M_l> M_l`` of k = ``count`` random matrices M_l of signs: A on average.

    Of any fixed unit vectors u, v the error u'(A^ - A)v is of order |A|_F sqrt((1 + rho^2)/k), rho = u'Av/|A|_F. The signs are
    a helper string, so ``nats`` pays for k coefficients. Signs of matrix l do not depend on k: the k of a sweep share them.
    Raises ValueError for a matrix that is not (n, d), and a count that is not an integer >= 1.
    Source: guide/compression.md, Matrix-Project.
    """
    return _at(matrix_project_path(key, matrix, jnp.atleast_1d(_counted(count))), 0)


def matrix_project_path(
    key: Key[Array, ""],
    matrix: Float[Array, "n d"],
    counts: Any,
    watch: Callable[[Array], Array] = lambda found: found,
) -> Compressed:
    """``matrix_project`` at every one of ``counts`` (k,), with nested signs, at the cost of the largest. ``value`` (k, ..) is
    what ``watch`` makes of each, such as u'A^v; the matrices themselves by default.

    Raises ValueError as ``matrix_project`` does. Source: guide/compression.md, Matrix-Project.
    """
    check_key(key)
    matrix, counts = jnp.asarray(matrix), _counted(counts)
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
    _, value = jax.lax.fori_loop(0, jnp.max(counts), term, start)
    return Compressed(value, counts, counts * (VALUE_BITS * math.log(2)))


def low_rank(matrix: Float[Array, "n d"], rank: Any) -> Compressed:
    """The nearest matrix of a ``rank``, which may be traced; beyond min(n, d) it is the matrix. ``kept``: rank (n + d) numbers,
    more than the matrix has where the rank is above n d/(n + d).

    Raises ValueError for a matrix that is not (n, d), not finite or all zero, and a rank that is not an integer >= 0.
    Source: guide/compression.md, Singular values.
    """
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    if not traced(rank):
        check_count("rank", rank, "singular values", 0)
    left, values, right = linalg.svd(matrix)
    used = jnp.minimum(rank, len(values))
    value = (left * jnp.where(jnp.arange(len(values)) < used, values, 0)) @ right
    kept = used * sum(matrix.shape)
    return Compressed(jnp.where(used < len(values), value, matrix), kept, kept * (VALUE_BITS * math.log(2)))


def stable_rank(matrix: Float[Array, "n d"]) -> Float[Array, ""]:
    """``|W|_F^2 / |W|_2^2``, with its gradient where the largest singular value is simple: a penalty that training can pay.

    Singular vectors are held fixed in the derivative, which changes nothing at first order and needs no gap between other
    singular values. Raises ValueError as ``low_rank`` does. Source: guide/compression.md, Stable rank.
    """
    matrix = checked("matrix", matrix)
    if matrix.ndim != 2:
        raise ValueError(f"matrix: shape {matrix.shape}; pass one matrix (n, d), and jax.vmap over many")
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(matrix)))
    scaled = matrix / largest
    left, _, right = linalg.svd(jax.lax.stop_gradient(scaled))
    norm = left[:, 0] @ scaled @ right[0]
    return jnp.sum(scaled**2) / norm**2


def _counted(counts):
    if not traced(counts):
        for count in np.ravel(counts).tolist():
            check_count("count", count, "coefficients")
    return jnp.asarray(counts)


def _at(found: Compressed, index: int) -> Compressed:
    return Compressed(*(leaf[index] for leaf in found))
