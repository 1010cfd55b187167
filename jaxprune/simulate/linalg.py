"""Factorisations that are safe to batch.

On a CPU a batched LAPACK call can wait for ever on the thread pool that it occupies, and is slower than
one call after another; so there a batch becomes a loop, whatever transformation asked for it, and the BLAS
behind these calls (SciPy's, which JAX borrows) is held to one thread: two made the same program 5 to 50 times
slower, idle or loaded. Accelerators keep the batched kernels.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _loop_on_cpu(kernel: Callable) -> Callable:
    one_at_a_time = jax.custom_batching.sequential_vmap(kernel)

    def choose(*operands):
        if jax.default_backend() != "cpu":
            return kernel(*operands)
        _one_blas_thread()
        return one_at_a_time(*operands)

    return choose


@functools.cache
def _one_blas_thread() -> None:
    """Once per process, when the first factorisation is traced."""
    import scipy.linalg.cython_blas  # noqa: F401  (loads the library that JAX calls)
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController()
    paths = [info["filepath"] for info in libraries.info() if info["user_api"] == "blas" and "scipy" in info["filepath"]]
    libraries.select(filepath=paths).limit(limits=1)


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
def _qr(a):
    return jnp.linalg.qr(a, mode="r")


@_loop_on_cpu
def _eigh(a):
    return tuple(jnp.linalg.eigh(a, symmetrize_input=False))


@_loop_on_cpu
def _singular_values(a):
    return jnp.linalg.svd(a, compute_uv=False)


@_loop_on_cpu
def _svd(a):
    return tuple(jnp.linalg.svd(a, full_matrices=False))


def cholesky(a: Float[Array, "m m"]) -> Float[Array, "m m"]:
    """Lower Cholesky factor; all NaN where ``a`` is not positive definite in this precision."""
    return _cholesky(a)


def solve_lower(factor: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``L^-1 rhs``."""
    return _solve_lower(factor, rhs)


def solve_upper(factor: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``L^-T rhs`` for the lower factor L."""
    return _solve_upper(factor, rhs)


def qr_factor(a: Float[Array, "k m"]) -> Float[Array, "m m"]:
    """Upper R with ``R^T R = a^T a`` for k >= m, without forming the product; signs of its rows are free."""
    return _qr(a)


def pseudo_solve(gram: Float[Array, "m m"], rhs: Float[Array, "m k"]) -> Float[Array, "m k"]:
    """``gram^+ rhs`` for a positive semi-definite matrix: eigenvalues below m * eps * the largest count as zero."""
    eigs, basis = _eigh(gram)
    live = eigs > len(eigs) * jnp.finfo(eigs.dtype).eps * eigs[-1]
    inverse = jnp.where(live, 1.0 / jnp.where(live, eigs, 1.0), 0.0)
    return basis @ (inverse[:, None] * (basis.T @ rhs))


def singular_values(a: Float[Array, "m n"]) -> Float[Array, " r"]:
    """Singular values, the largest first; r = min(m, n)."""
    return _singular_values(a)


def svd(a: Float[Array, "m n"]) -> tuple[Float[Array, "m r"], Float[Array, " r"], Float[Array, "r n"]]:
    """``(u, s, v)`` with ``a = u diag(s) v``; r = min(m, n)."""
    return _svd(a)
