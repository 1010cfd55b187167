"""How often Euler's scheme explodes in a double well, against step size and tail index (guide/sde.md, Explosion).

``lost``: the fraction of runs that leave the double well for good: beyond the point from which the scheme runs away, or
diverged.
"""

import jax
import jax.numpy as jnp

from jaxprune.judge import estimates
from jaxprune.problems import Explosion
from jaxprune.simulate import sde, stable
from jaxprune.simulate.sde import drifts
from jaxprune.sweep import Experiment

STEPS = [10, 20, 50, 100, 200]
RUNS = 10_000  # in one trial


def make(alpha, scale, horizon):
    return Explosion(alpha, scale, horizon)


def trial(key, problem):
    law = stable.Symmetric(stable.index(problem.alpha), problem.scale)
    counts = jnp.asarray(STEPS)

    def lost(step_size, steps):
        state = sde.euler(
            drifts.DoubleWell(), law, jnp.zeros(RUNS), key, step_size=step_size, steps=steps, most=STEPS[-1], rows=True
        ).state
        return jnp.mean(~state.alive | (jnp.abs(state.value) > jnp.sqrt((2 + step_size) / step_size)))

    return {"lost": jax.vmap(lost)(problem.horizon / counts, counts)}


def findings(samples):
    here = samples.isel(scale=-1, horizon=-1, steps=0)
    step = float(here["horizon"]) / STEPS[0]
    return {
        f"lost at a step of {step:g}, alpha {alpha:g}": estimates.mean(here["lost"].sel(alpha=alpha))
        for alpha in here["alpha"].values
    }


EXPERIMENT = Experiment(
    "euler_explosion",
    axes=dict(alpha=[1.2, 1.5, 1.8], scale=[1.0], horizon=[1.0]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(steps=STEPS),
    seeds=40,
    block=4,
    share=["alpha"],
    smoke=dict(alpha=[1.5], seeds=8),
    describe="fraction of double-well runs that Euler's scheme loses, against step size and tail index",
)
