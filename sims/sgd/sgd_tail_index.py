"""Heavy tails from multiplicative noise: the tail index of SGD on linear regression against its step size.

``place`` is the step size in the heavy-tail window: 0 at the critical step size (alpha = 2), 1 about where no stationary law
is left. Estimates are those of the last iterates of many chains, and, as in Gurbuzbalaban et al., of the time averages of
the second half of the steps, whose sums are nearly stable. Few dimensions, because the window is narrow in many.
Source: guide/sgd.md, Thresholds.
"""

import jax
import jax.numpy as jnp

from jaxprune.problems import MultiplicativeSGD
from jaxprune.simulate.sgd import linear
from jaxprune.simulate.tails import extreme, stable_model, tail_report
from jaxprune.sweep import Experiment

CHAINS = 8000
STEPS = 400
ORDER = [0.5, 1.0, 2.0]


def make(batch, dim, place):
    critical, width = 2 * batch / (dim + batch + 1), 4 * (batch + 2) / (dim + batch + 1) ** 2
    return MultiplicativeSGD(step_size=critical * (1 + width * place), noise_sd=1.0, batch=batch, dim=dim)


def trial(key, problem):
    walk, product, one = jax.random.split(key, 3)
    found = linear.run(problem, walk, chains=CHAINS, steps=STEPS)
    sizes = linear.growth(problem, one, chains=CHAINS, steps=1)
    block, moment = stable_model.block_log_moment(found.position, 10), extreme.moment(found.position, CHAINS // 50)
    return dict(
        hill=extreme.hill(found.position, CHAINS // 100).value,
        moment=moment.value,
        block=block.value,
        block_of_averages=stable_model.block_log_moment(found.average, 10).value,
        disagree=tail_report.disagree(block, moment).astype(block.value.dtype),
        log_growth=jnp.mean(linear.growth(problem, product, chains=CHAINS // 20, steps=20)),
        square_norm=jnp.mean(extreme.norms(found.position) ** 2),
        step_moment=jnp.mean(jnp.exp(jnp.asarray(ORDER)[:, None] * sizes), axis=1),
        diverged=jnp.mean(~found.alive),
    )


EXPERIMENT = Experiment(
    "sgd_tail_index",
    axes=dict(batch=[1, 3], dim=[1, 2, 5], place=[-0.4, -0.2, 0.0, 0.2, 0.4, 0.6]),
    make=make,
    trial=trial,
    inner=dict(order=ORDER),
    seeds=4,
    block=1,
    precision="float32",
    smoke=dict(batch=[1], dim=[2], place=[-0.4, 0.2, 0.6], seeds=2),
    describe="tail index of SGD on linear regression against the step size, by several estimators",
)
