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
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.platforms import by_platform


def _loop_on_cpu(kernel: Callable, elsewhere: Callable | None = None) -> Callable:
    one_at_a_time = jax.custom_batching.sequential_vmap(kernel)

    def choose(*operands):
        _one_blas_thread()
        return by_platform(*operands, cpu=one_at_a_time, elsewhere=elsewhere or kernel)

    return choose


def _one_blas_thread() -> None:
    """Whenever a factorisation is traced: what was set once, another may have undone since."""
    for library in _borrowed():
        if library.num_threads != 1:
            library.set_num_threads(1)


@functools.cache
def _borrowed() -> list:
    """The BLAS that JAX calls: SciPy's, loaded here."""
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().lib_controllers
    return [library for library in found if library.user_api == "blas" and "scipy" in library.filepath]


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


def _rescued(solutions, pivots, gram, rhs, live):
    def again(_):
        factor, found = _by_columns(gram)
        half = _solve_lower(factor, rhs[:, None])
        return _solve_upper(factor, jnp.where(live, half, 0)), found

    return jax.lax.cond(jnp.isnan(pivots[-1]), again, lambda _: (solutions, pivots), None)


_rescued_on_cpu = _loop_on_cpu(_rescued, elsewhere=lambda solutions, pivots, *_: (solutions, pivots))  # no long loop there


def _by_columns(a):
    """The factor up to the first pivot that is not positive, rows of the identity behind; and its pivots, NaN behind."""
    index = jnp.arange(len(a))

    def column(k, state):
        rest, factor, reached = state
        good = (reached == k) & (rest[k, k] > 0)
        root = jnp.sqrt(jnp.where(good, rest[k, k], 1))
        entries = jnp.where(good & (index >= k), rest[:, k] / root, 0)
        return rest - entries[:, None] * entries[None, :], factor.at[:, k].set(entries), reached + good

    _, factor, reached = jax.lax.fori_loop(0, len(a), column, (a, jnp.zeros_like(a), jnp.full((), 0)))
    inside = index < reached
    factor = jnp.where(inside[:, None], factor, jnp.eye(len(a), dtype=a.dtype))
    return factor, jnp.where(inside, jnp.diagonal(factor), jnp.nan)


def rescued(
    solutions: Float[Array, "m K"],
    pivots: Float[Array, " m"],
    gram: Float[Array, "m m"],
    rhs: Float[Array, " m"],
    live: Bool[Array, "m K"],
) -> tuple[Float[Array, "m K"], Float[Array, " m"]]:
    """Solutions of leading blocks of ``gram`` (where ``live``) and the pivots of its factor; found once more, up to the first
    pivot that is not positive, where the factor failed as a whole. On an accelerator they stay NaN."""
    return _rescued_on_cpu(solutions, pivots, gram, rhs, live)


def pivots_of(squares: Float[Array, " m"], ridge: float | Array) -> Float[Array, " m"]:
    """What is added to the diagonal of a feature Gram matrix: the penalty, and 1 for a feature that does not vary."""
    return jnp.where(squares > 0, ridge, 1.0).astype(squares.dtype)


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


def eigh(a: Float[Array, "m m"]) -> tuple[Float[Array, " m"], Float[Array, "m m"]]:
    """Eigenvalues of a symmetric matrix, the smallest first, and eigenvectors in columns."""
    return _eigh(a)


def singular_values(a: Float[Array, "m n"]) -> Float[Array, " r"]:
    """Singular values, the largest first; r = min(m, n)."""
    return _singular_values(a)


def svd(a: Float[Array, "m n"]) -> tuple[Float[Array, "m r"], Float[Array, " r"], Float[Array, "r n"]]:
    """``(u, s, v)`` with ``a = u diag(s) v``; r = min(m, n)."""
    return _svd(a)
