"""Propagation of chaos: distance of n interacting particles to their mean-field limit, under the same noise (guide/sde.md,
Bounded interaction).

Systems of all sizes are the first particles of one draw. ``log_error``: mean logarithm of a particle's distance;
``scaled_square``: n times its mean square, which exists where the interaction is bounded.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import BoundedChaos, LinearChaos
from jaxprune.simulate import sde, stable
from jaxprune.simulate.sde import drifts
from jaxprune.sweep import Experiment

SIZES = [10, 30, 100, 300, 1000]  # far apart, so that extrapolation to infinite n costs few seeds


def make(alpha, interaction, rate, coupling, scale, horizon, steps):
    kinds = dict(linear=LinearChaos, bounded=BoundedChaos)
    if interaction not in kinds:
        raise ValueError(f"interaction: {interaction!r}; use one of {', '.join(kinds)}")
    return kinds[interaction](alpha, rate, coupling, scale, horizon, steps)


def trial(key, problem):
    bounded = isinstance(problem, BoundedChaos)
    counts = jnp.asarray([0, *SIZES])  # 0: the limit
    drift = (drifts.BoundedInteraction if bounded else drifts.LinearInteraction)(problem.rate, problem.coupling, counts)
    law = stable.Common(stable.index(problem.alpha), problem.scale)
    start = jnp.zeros((SIZES[-1], len(counts)))
    end = sde.euler(drift, law, start, key, step_size=problem.horizon / problem.steps, steps=problem.steps).state.value
    error, inside = end[:, 1:] - end[:, :1], drifts.members(counts[1:], SIZES[-1])
    log_error = jnp.sum(jnp.where(inside, jnp.log(jnp.abs(error)), 0), axis=0) / counts[1:]
    return {"log_error": log_error, "scaled_square": jnp.sum(jnp.where(inside, error**2, 0), axis=0)}


def findings(samples):
    """Exponents of the distance in n: of exp E log|distance| for the linear interaction, of its root mean square else."""
    here = samples.isel(dict.fromkeys(("rate", "coupling", "scale", "horizon", "steps"), -1))
    stated = {}
    for alpha in here["alpha"].values:
        logs = here["log_error"].sel(alpha=alpha, interaction="linear").transpose("n", "seed").values
        found = estimates.exponent(SIZES, *logs, statistic=lambda x: np.exp(np.mean(x)), paired=True)
        stated[f"exponent, linear interaction, alpha {alpha:g}"] = found
        squares = here["scaled_square"].sel(alpha=alpha, interaction="bounded").transpose("n", "seed")
        squares = (squares / squares["n"]).values
        found = estimates.exponent(SIZES, *squares, statistic=lambda x: np.sqrt(np.mean(x)), paired=True)
        stated[f"exponent, bounded interaction, alpha {alpha:g}"] = found
    return stated


EXPERIMENT = Experiment(
    "propagation_of_chaos",
    axes=dict(
        alpha=[1.2, 1.5, 1.8],
        interaction=["linear", "bounded"],
        rate=[1.0],
        coupling=[2.0],
        scale=[1.0],
        horizon=[1.0],
        steps=[50],
    ),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(n=SIZES),
    seeds=3600,
    block=200,
    share=["alpha", "interaction"],
    smoke=dict(alpha=[1.5], seeds=200),
    describe="distance of n particles to their mean-field limit: linear and bounded interaction, with both exact rates",
)
