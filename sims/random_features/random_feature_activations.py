"""Random-features regression with other activations, and with a network for a teacher (guide/random_features.md, The model).

Every trial draws its own features; all widths are prefixes of one draw. The network has HIDDEN neurons of the same
activation as the features.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import teachers
from jaxprune.problems import RandomFeatures
from jaxprune.simulate import least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [20, 35, 50, 65, 80, 90, 112, 130, 160, 200, 300, 500]
KEPT = [20]
HIDDEN = 10
ACTIVATIONS = dict(relu=jax.nn.relu, tanh=jnp.tanh, erf=jax.scipy.special.erf)


def make(activation, teacher, n, noise, d_in):
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: {activation!r} is not one of {', '.join(ACTIVATIONS)}")
    if teacher not in ("linear", "network"):
        raise ValueError(f"teacher: {teacher!r} is neither 'linear' nor 'network'")
    inner = None
    if teacher == "network":
        inner = np.random.default_rng(0).standard_normal((HIDDEN, d_in)) / np.sqrt(d_in)
    weights = teachers.cosine(np.ones(d_in if inner is None else HIDDEN))
    return RandomFeatures(weights, noise, n, WIDTH[-1], ACTIVATIONS[activation], inner)


def trial(key, problem):
    features, sample, other, rule = jax.random.split(key, 4)
    weights = random_features.draw_weights(problem, features)
    population = random_features.population(problem, weights)
    data, fresh = (random_features.draw(problem, weights, k) for k in (sample, other))
    path = least_squares.min_norm_path(data, WIDTH)
    return pruning.risks(path, population, (pruning.magnitude,), KEPT, rule, fresh)


EXPERIMENT = Experiment(
    "random_feature_activations",
    axes=dict(activation=list(ACTIVATIONS), teacher=["linear", "network"], n=[100], noise=[0.3], d_in=[50]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=["magnitude"], kept=KEPT),
    seeds=100,
    block=10,
    smoke=dict(seeds=10, activation=["tanh"], teacher=["network"]),
    describe="random-features regression with ReLU, tanh and erf features, linear and network teachers",
)
