"""Relative l2 error of keeping a fraction kappa of n stable entries (guide/compression.md, Infinite moment).

It falls with n for alpha < 2, ever more slowly as alpha nears 2, and not at all at alpha = 2; its distribution stays wide.
"""

import jax.numpy as jnp

from jaxprune.judge import estimates
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


def findings(samples):
    """Exponents in n of the mean squared error at the middle fraction."""
    sizes, stated = samples["n"].values, {}
    for alpha in samples["alpha"].values:
        values = samples["squared_error"].sel(alpha=alpha, kappa=KAPPA[1]).transpose("n", "seed").values
        stated[f"exponent of n of the squared error, kappa {KAPPA[1]:g}, alpha {alpha:g}"] = estimates.exponent(sizes, *values)
    return stated


EXPERIMENT = Experiment(
    "relative_error",
    axes=dict(n=[100, 300, 1000, 3000, 10000, 30000], alpha=[1.2, 1.5, 1.75, 2.0]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(kappa=KAPPA),
    seeds=400,
    share=("alpha",),
    block=50,
    smoke=dict(n=[100, 300, 1000], seeds=100),
    describe="relative error of the largest kappa n of n stable entries against n, alpha and kappa",
)
