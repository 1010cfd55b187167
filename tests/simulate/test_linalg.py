"""Factorisations: the threads of the library behind them, and how batches of them are lowered."""

import jax
import jax.numpy as jnp
import pytest
from jax import export
from threadpoolctl import ThreadpoolController

from jaxprune.simulate import linalg, platforms
from jaxprune.sweep import Experiment, run
from tests import grades as judge


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


KERNELS = {
    "cholesky": linalg.cholesky,
    "qr": linalg.qr_factor,
    "eigenvalues": lambda a: linalg.eigh(a)[0],
    "singular values": linalg.singular_values,
    "solutions": lambda a: linalg.solve_upper(a, a),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_a_batch_is_a_loop_on_a_cpu_and_one_call_elsewhere(kernel, monkeypatch):
    """On a machine with an accelerator that is chosen as the program is lowered: it has a CPU too."""
    batch = jnp.broadcast_to(4 * jnp.eye(3), (5, 3, 3))

    def loops(platform):
        text = export.export(jax.jit(jax.vmap(kernel)), platforms=[platform])(batch).mlir_module()
        return "stablehlo.while" in text

    assert loops("cpu")
    with platforms.for_accelerators():
        assert not loops("cuda")
    plain = jax.vmap(kernel)(batch)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert loops("cpu") and not loops("cuda")
    judge.exact(jax.vmap(kernel)(batch), plain, 1e-7)
