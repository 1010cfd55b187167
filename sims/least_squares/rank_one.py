"""One variable behind all features: pruning biases, retraining repairs (guide/least_squares.md, Rank one).

Exact at every size, for every kept count.
"""

import jax

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [40]
KEPT = [1, 2, 5, 10, 15, 20, 25, 30, 35, 40]
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian)


def make(n, noise, exponent):
    direction = spectra.power(WIDTH[-1], exponent)
    return LinearGaussian.from_covariance(spectra.rank_one(direction), teachers.constant(direction**0), noise, n)


def trial(key, problem):
    sample, rule = jax.random.split(key)
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, WIDTH)
    return pruning.risks(path, problem, RULES.values(), KEPT, rule)


EXPERIMENT = Experiment(
    "rank_one",
    axes=dict(n=[20], noise=[0.5], exponent=[0.3]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=4000,
    block=200,
    smoke=dict(seeds=400),
    describe="pruned and retrained risk against the kept count when every feature is a multiple of one variable",
)
