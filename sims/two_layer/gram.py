"""Cosines between the neurons of one optimum (guide/two_layer.md, Theorem A): all are the same."""

import jax.numpy as jnp

from jaxprune.problems import AffineTarget
from jaxprune.simulate import two_layer
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer.optimise import AFFINE
from jaxprune.sweep import Experiment

NEURONS, DIM, RESTARTS = 8, 8, 4


def make(eta):
    return AffineTarget(DIM, eta, "nonnegative", RESTARTS)


def trial(key, problem):
    objective = two_layer.trials.affine_objective(problem)
    unit = polar(two_layer.minimise(objective, key, NEURONS, problem.restarts, schedule=AFFINE).best().rows)[1]
    return {"gram": jnp.matmul(unit, unit.T)[None]}


EXPERIMENT = Experiment(
    "gram",
    axes=dict(eta=[0.0, 0.5, 1.0]),
    make=make,
    trial=trial,
    inner=dict(neurons=[NEURONS], row=list(range(NEURONS)), column=list(range(NEURONS))),
    seeds=20,
    block=10,
    smoke=dict(seeds=8),
    describe="the matrix of cosines between the neurons of the best narrow networks",
)
