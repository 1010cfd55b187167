"""Batched LAPACK under XLA can hang on a CPU. The real surface, repeated under load and a time limit, in every setting."""

import os
import subprocess
import sys

import pytest

CLEAN = {k: v for k, v in os.environ.items() if k not in ("NPROC", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "XLA_FLAGS")}

SURFACE = """
import jax
from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning

widths, kept = [*range(10, 100, 10), *range(110, 501, 10)], range(5, 100, 5)
eigs = spectra.constant(500)
problem = LinearGaussian(eigs, teachers.cosine(eigs), 0.3, 100)

def trial(key):
    data = least_squares.draw(problem, key)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, [pruning.magnitude], key)
    return pruning.risk_surface(path, problem, order, kept), pruning.retrained_surface(data, problem, order, widths, kept)

surface = jax.jit(jax.vmap(trial))  # a user's vmap: the batch that hung
keys = jax.random.split(jax.random.key(0), 4)
for _ in range({repeats}):
    jax.block_until_ready(surface(keys))
print("done")
"""

FACTORISATIONS = """
import jax, jax.numpy as jnp
from jaxprune.simulate import linalg

draw = jax.random.normal(jax.random.key(0), (256, 40, 80))
grams = draw @ draw.swapaxes(1, 2)
both = jax.jit(lambda k: sum(jax.vmap(linalg.cholesky)(k + j * jnp.eye(40)).sum() for j in range(2)))
for _ in range({repeats}):
    jax.block_until_ready(both(grams))
print("done")
"""

BUSY = "while True: pass"


@pytest.fixture
def both_cores_busy():
    loads = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    yield
    for load in loads:
        load.kill()
        load.wait()


@pytest.mark.slow
@pytest.mark.parametrize("program", [SURFACE, FACTORISATIONS], ids=["surface", "factorisations"])
@pytest.mark.parametrize("environment", ["plain script", "worker"])
def test_eighty_surfaces_under_load(both_cores_busy, program, environment):
    env = CLEAN if environment == "plain script" else {**CLEAN, "NPROC": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program.format(repeats=20)], env=env, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.stdout == "done\n", done.stderr
