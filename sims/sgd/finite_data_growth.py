"""SGD that meets a finite data set again and again: growth rates and tail estimates beside those of fresh samples, d = 100.

The settings of Gurbuzbalaban et al.: 10^4 points, small batches with replacement. In a hundred dimensions the law passes
from light tails to no stationary law within a fraction of a percent of the step size, so that almost every setting is one
or the other. Source: guide/sgd.md, Finite data.
"""

import jax
import jax.numpy as jnp

from jaxprune.problems import MultiplicativeSGD
from jaxprune.simulate.sgd import linear
from jaxprune.simulate.tails import stable_model
from jaxprune.sweep import Experiment

DIM, SAMPLES = 100, 10_000
CHAINS, STEPS, BURN = 200, 400, 100


def make(batch, step_size):
    return MultiplicativeSGD(step_size=step_size, noise_sd=1.0, batch=batch, dim=DIM)


def trial(key, problem):
    data, walk, product, fresh = jax.random.split(key, 4)
    inputs, labels = jax.random.split(data)
    features = jax.random.normal(inputs, (SAMPLES, DIM), float)
    rows = linear.Rows(features, jax.random.normal(labels, (SAMPLES,), float), problem.step_size, problem.batch)
    found = linear.run(rows, walk, chains=CHAINS, steps=STEPS)
    averages = found.average - jnp.median(found.average, axis=0)
    return dict(
        data_growth=jnp.mean(linear.growth(rows, product, chains=20, steps=STEPS, burn=BURN)),
        log_growth=jnp.mean(linear.growth(problem, fresh, chains=100, steps=BURN)),
        block_of_averages=stable_model.block_log_moment(averages, 10).value,
        diverged=jnp.mean(~found.alive),
    )


EXPERIMENT = Experiment(
    "finite_data_growth",
    axes=dict(batch=[1, 5, 10], step_size=[0.02, 0.04, 0.08, 0.12, 0.16, 0.2]),
    make=make,
    trial=trial,
    seeds=4,
    block=1,
    precision="float32",
    smoke=dict(batch=[5], step_size=[0.04, 0.12], seeds=2),
    describe="SGD on a finite data set in 100 dimensions: growth rates and tail estimates beside those of fresh samples",
)
