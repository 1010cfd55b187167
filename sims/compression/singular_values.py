"""Relative Frobenius error of the best approximation of low rank: Gaussian matrices and heavy-tailed ones.

For Gaussian entries it has a positive limit at every fixed fraction of the rank; for stable ones it falls with the size, and
at a fixed rank it follows the Poisson-Dirichlet law of the largest entries (Barsbey et al. 2021; guide/compression.md,
Singular values).
"""

import jax.numpy as jnp

from jaxprune.problems import StableLayer
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility, layer_pruning
from jaxprune.sweep import Experiment

KAPPA, RANK = [0.1, 0.2], [1, 2, 5]


def make(n, alpha):
    for kappa in KAPPA:
        compressibility.kept_count(n, kappa)
    return StableLayer(alpha, n, n, "II")


def trial(key, problem):
    matrix = stable.Symmetric(problem.alpha).sample(key, (problem.n, problem.dim))
    kept = [compressibility.kept_count(problem.n, kappa) for kappa in KAPPA] + RANK
    square = layer_pruning.singular_errors(matrix, jnp.array(kept)) ** 2
    return {"squared_spectral_error": square[: len(KAPPA)], "spectral_share_beyond": square[len(KAPPA) :]}


EXPERIMENT = Experiment(
    "singular_values",
    axes=dict(n=[50, 100, 200, 400], alpha=[0.8, 1.2, 2.0]),
    make=make,
    trial=trial,
    inner=dict(kappa=KAPPA, rank=RANK),
    seeds=60,
    share=("alpha",),
    block=5,
    smoke=dict(n=[50, 100], seeds=10),
    describe="error of low-rank approximations of Gaussian and heavy-tailed matrices against their size",
)
