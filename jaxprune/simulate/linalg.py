"""Factorisations that are safe to batch.

On a CPU a batched LAPACK call can wait for ever on the thread pool that it occupies, and is slower than
one call after another; so there a batch becomes a loop, whatever transformation asked for it.
Accelerators keep the batched kernels.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _loop_on_cpu(kernel: Callable) -> Callable:
    one_at_a_time = jax.custom_batching.sequential_vmap(kernel)

    def choose(*operands):
        return (one_at_a_time if jax.default_backend() == "cpu" else kernel)(*operands)

    return choose


@_loop_on_cpu
def _cholesky(a):
    return jax.lax.linalg.cholesky(a, symmetrize_input=False)


@_loop_on_cpu
def _solve_lower(factor, rhs):
    return jax.lax.linalg.triangular_solve(factor, rhs, left_side=True, lower=True)


@_loop_on_cpu
def _solve_upper(factor, rhs):
    return jax.lax.linalg.triangular_solve(factor, rhs, left_side=True, lower=True, transpose_a=True)


@_loop_on_cpu
def _eigh(a):
    return tuple(jnp.linalg.eigh(a, symmetrize_input=False))


def cholesky(a: Float[Array, "m m"]) -> Float[Array, "m m"]:
    """Lower Cholesky factor; all NaN where ``a`` is not positive definite in this precision."""
    return _cholesky(a)


def solve_lower(factor: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``L^-1 rhs``."""
    return _solve_lower(factor, rhs)


def solve_upper(factor: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``L^-T rhs`` for the lower factor L."""
    return _solve_upper(factor, rhs)


def pseudo_solve(gram: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``gram^+ rhs`` for a positive semi-definite matrix: eigenvalues below m * eps * the largest count as zero."""
    eigs, basis = _eigh(gram)
    live = eigs > len(eigs) * jnp.finfo(eigs.dtype).eps * eigs[-1]
    inverse = jnp.where(live, 1.0 / jnp.where(live, eigs, 1.0), 0.0)
    return basis @ (inverse[:, None] * (basis.T @ rhs))
