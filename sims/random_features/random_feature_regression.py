"""Width sweep of random-features regression: ReLU features, linear teacher.

Source: guide/random_features.md, What a width sweep shows.

Every trial draws its own features; all widths are prefixes of one draw. Dense, pruned, and retrained on the training
sample and on a fresh one.
"""

import jax
import numpy as np

from jaxprune import teachers
from jaxprune.judge import estimates
from jaxprune.problems import RandomFeatures
from jaxprune.simulate import least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [40, 60, 80, 100, 120, 150, 180, 220, 260, 300, 400, 600, 1000, 1500]
KEPT = [40, 100]
RULES = dict(magnitude=pruning.magnitude, random=pruning.random)


def make(n, noise, d_in):
    return RandomFeatures(teachers.cosine(np.ones(d_in)), noise, n, dim=WIDTH[-1])


def trial(key, problem):
    features, sample, other, rule = jax.random.split(key, 4)
    weights = random_features.draw_weights(problem, features)
    population = random_features.population(problem, weights)
    data, fresh = (random_features.draw(problem, weights, k) for k in (sample, other))
    path = least_squares.min_norm_path(data, WIDTH)
    return pruning.risks(path, population, RULES.values(), KEPT, rule, fresh) | {"condition": path.condition}


def findings(samples):
    here = samples.isel(n=-1, noise=-1, d_in=-1)
    small, many = KEPT[0], WIDTH[-1]
    kept = here["retrained_same"].sel(width=many, kept=small)
    return {
        f"{small} features from the start": estimates.mean(here["risk"].sel(width=small)),
        f"{small} of {many} kept by magnitude, retrained": estimates.mean(kept.sel(rule="magnitude")),
        f"{small} of {many} kept at random, retrained": estimates.mean(kept.sel(rule="random")),
    }


EXPERIMENT = Experiment(
    "random_feature_regression",
    axes=dict(n=[200], noise=[0.3], d_in=[100]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=300,
    block=5,
    smoke=dict(seeds=10),
    describe="risk of dense, pruned and retrained random-features regression against the number of features",
)
