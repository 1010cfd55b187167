"""Relative l2 error of keeping a fraction kappa of n stable entries (our notes on Wan et al. 2023, sections 3.2 to 3.5).

It falls with n for alpha < 2, ever more slowly as alpha nears 2, and not at all at alpha = 2; its distribution stays wide.
"""

import jax.numpy as jnp

from jaxprune.problems import StableLayer
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility
from jaxprune.sweep import Experiment

KAPPA = [0.05, 0.1, 0.3]


def make(n, alpha):
    for kappa in KAPPA:
        compressibility.kept_count(n, kappa)
    return StableLayer(alpha, n)


def trial(key, problem):
    entries = stable.Symmetric(problem.alpha).sample(key, (problem.n,))
    kept = jnp.array([compressibility.kept_count(problem.n, kappa) for kappa in KAPPA])
    return {
        "squared_error": compressibility.relative_error(entries, kept) ** 2,
        "participation": compressibility.participation(entries),
    }


EXPERIMENT = Experiment(
    "relative_error",
    axes=dict(n=[100, 300, 1000, 3000, 10000, 30000], alpha=[1.2, 1.5, 1.75, 2.0]),
    make=make,
    trial=trial,
    inner=dict(kappa=KAPPA),
    seeds=400,
    share=("alpha",),
    block=50,
    smoke=dict(n=[100, 300, 1000], seeds=100),
    describe="relative error of the largest kappa n of n stable entries against n, alpha and kappa",
)
