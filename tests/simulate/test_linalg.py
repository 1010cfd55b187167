"""Factorisations: the threads of the library behind them."""

import jax
import jax.numpy as jnp
from threadpoolctl import ThreadpoolController

from jaxprune.simulate import linalg
from jaxprune.sweep import Experiment, run


def libraries():
    import scipy.linalg.cython_blas  # noqa: F401

    return [lib for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas" and "scipy" in lib.filepath]


def two_threads():
    for library in libraries():
        library.set_num_threads(2)


def threads():
    return [library.num_threads for library in libraries()]


def test_one_blas_thread_outlives_a_run():
    """Factors of a user's own program run where the BLAS has one thread, whatever was run before."""
    two_threads()
    assert set(threads()) == {2}
    toy = Experiment(
        "toy",
        axes={"size": [1.0]},
        make=lambda size: jnp.eye(3) * size,
        trial=lambda key, problem: {"factor": linalg.cholesky(problem)[0, 0]},
        seeds=1,
    )
    run(toy, workers=0)
    assert set(threads()) == {1}
    two_threads()
    jax.jit(jax.vmap(linalg.cholesky))(jnp.broadcast_to(jnp.eye(3), (2, 3, 3)))
    assert set(threads()) == {1}
