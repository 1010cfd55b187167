"""How wide a layer of stable noise must be for a fraction 0.1 of its neurons to hold all but a given error.

On average over runs, or in nine runs of ten; the distribution of the error is wide, so these differ (guide/compression.md,
Required width). Widths are far apart, so that extrapolation to infinite width costs few seeds, and
large: at n = 30, where three neurons are kept, the gap has not begun to fall like 1/n.
"""

import jax.numpy as jnp

from jaxprune.problems import StableLayer
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility
from jaxprune.sweep import Experiment

KAPPA, ERROR = [0.1], [0.1, 0.2, 0.3, 0.4]


def make(n, alpha):
    compressibility.kept_count(n, KAPPA[0])
    return StableLayer(alpha, n)


def trial(key, problem):
    entries = stable.Symmetric(problem.alpha).sample(key, (problem.n,))
    kept = [compressibility.kept_count(problem.n, kappa) for kappa in KAPPA]
    error = compressibility.relative_error(entries, kept)
    within = error[:, None] <= jnp.array(ERROR)
    return {"squared_error": error**2, "within": within.astype(error.dtype)}


EXPERIMENT = Experiment(
    "required_width",
    axes=dict(n=[200, 1000, 5000, 25000], alpha=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5]),
    make=make,
    trial=trial,
    inner=dict(kappa=KAPPA, error=ERROR),
    seeds=3000,
    share=("alpha",),
    precision="float32",
    block=150,
    smoke=dict(n=[200, 1000], seeds=150),
    describe="fraction of runs in which the largest tenth of n stable entries holds all but a given relative error",
)
