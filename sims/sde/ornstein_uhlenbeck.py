"""The stationary law of an Ornstein-Uhlenbeck process with stable and Brownian noise, by Euler's scheme (guide/sde.md,
Ornstein-Uhlenbeck; the fractional Fokker-Planck setting of Dupuis and Şimşekli).

Step sizes go up to where the scheme overshoots, ``1 - rate h < 0``: its law is exact there too. ``cosine``: the mean of
cos(u X), the characteristic function; ``log_size``: the mean of log|X|.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.problems import OrnsteinUhlenbeck
from jaxprune.simulate import sde, stable
from jaxprune.simulate.sde import drifts
from jaxprune.sweep import Experiment

FREQUENCIES = [0.25, 0.5, 1.0, 1.5, 2.0, 3.0]
STEPS = [64]  # the start is forgotten
RUNS = 4000  # in one trial


def make(alpha, brownian, rate, scale, step_size):
    return OrnsteinUhlenbeck(alpha, rate, scale, STEPS[-1] * step_size, STEPS[-1], brownian)


def trial(key, problem):
    levy = stable.Symmetric(stable.index(problem.alpha), problem.scale)
    law = stable.Sum((levy, stable.Gaussian(np.sqrt(2) * problem.brownian)))
    options = dict(step_size=problem.horizon / problem.finest, steps=problem.finest)
    end = sde.euler(drifts.Linear(problem.rate), law, jnp.zeros(RUNS), key, **options).state.value
    cosine = jnp.mean(jnp.cos(jnp.asarray(FREQUENCIES)[:, None] * end), axis=1)
    return {"cosine": cosine, "log_size": jnp.mean(jnp.log(jnp.abs(end)), keepdims=True)}


EXPERIMENT = Experiment(
    "ornstein_uhlenbeck",
    axes=dict(
        alpha=[1.2, 1.6],
        brownian=[0.0, 0.5],
        rate=[1.0],
        scale=[0.7],
        step_size=[0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 1.8],
    ),
    make=make,
    trial=trial,
    inner=dict(frequency=FREQUENCIES, steps=STEPS),
    dims=dict(cosine=["frequency"], log_size=["steps"]),
    seeds=20,
    block=10,
    smoke=dict(alpha=[1.6], step_size=[0.2, 1.6], seeds=10),
    describe="stationary law of a process with stable and Brownian noise, by Euler's scheme at every step size, exact",
)
