"""Strong error of Euler's scheme against the step size, for linear and bounded drifts (guide/sde.md, Strong error).

One path drives all grids: a coarse increment is the sum of its fine ones, and the error of a grid is its distance to the
finest one. ``log_gap``: its mean logarithm; ``gap``: its mean, with a standard error for bounded drifts alone.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import BoundedDrift, OrnsteinUhlenbeck
from jaxprune.simulate import sde, stable
from jaxprune.simulate.sde import drifts
from jaxprune.sweep import Experiment

STEPS = [8, 16, 32, 64, 128]
FINEST = 2048
PATHS = 500  # in one trial


def make(alpha, drift, rate, scale, horizon):
    if drift == "linear":
        return OrnsteinUhlenbeck(alpha, rate, scale, horizon, FINEST)
    return BoundedDrift(alpha, rate, scale, horizon, FINEST, drift)


def velocity(problem):
    if isinstance(problem, OrnsteinUhlenbeck):
        return drifts.Linear(problem.rate)
    return drifts.Tanh(problem.rate) if problem.drift == "tanh" else drifts.Clipped(problem.rate)


def trial(key, problem):
    law = stable.Symmetric(stable.index(problem.alpha), problem.scale)
    ratios = [count // STEPS[0] for count in (*STEPS, problem.finest)]
    step_size = problem.horizon / STEPS[0]
    gaps = sde.gaps(velocity(problem), law, jnp.zeros(PATHS), key, step_size=step_size, steps=STEPS[0], ratios=ratios)
    gaps = jnp.abs(gaps)
    return {"log_gap": jnp.mean(jnp.log(gaps), axis=1), "gap": jnp.mean(gaps, axis=1)}


def findings(samples):
    """Orders of the error exp E log|gap| in the step size; below one by what the finest grid itself is off."""
    here = samples.isel(rate=-1, scale=-1, horizon=-1)
    stated = {}
    for drift in here["drift"].values:
        for alpha in here["alpha"].values:
            logs = here["log_gap"].sel(drift=drift, alpha=alpha).transpose("steps", "seed").values
            found = estimates.exponent(1 / np.array(STEPS), *logs, statistic=lambda x: np.exp(np.mean(x)), paired=True)
            stated[f"order in the step size, {drift} drift, alpha {alpha:g}"] = found
    return stated


EXPERIMENT = Experiment(
    "euler_strong_error",
    axes=dict(alpha=[1.2, 1.5, 1.8], drift=["linear", "tanh", "clipped"], rate=[1.0], scale=[1.0], horizon=[1.0]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(steps=STEPS),
    seeds=60,
    block=10,
    share=["alpha", "drift"],
    smoke=dict(alpha=[1.5], drift=["linear", "tanh"], seeds=10),
    describe="strong error of Euler's scheme against the number of steps, with exact theory for the linear drift",
)
