"""Classifiers that are chosen after the data, in single precision."""

import jax
import numpy as np

from jaxprune.problems import ChosenClassifier
from jaxprune.simulate.bounds import coverage
from jaxprune.theory import bounds
from tests import grades as judge


def test_the_better_of_two_classifiers_on_a_million_samples():
    """Of two normal numbers the smaller lies 1/sqrt(pi) standard deviations below the mean."""
    problem = ChosenClassifier(2, 10**6, 0.5, 0.05)
    keys = jax.random.split(jax.random.key(0), 4000)
    chosen = jax.jit(lambda keys: jax.lax.map(lambda key: coverage.chosen(key, problem)["occam_gap"], keys, batch_size=50))
    found = chosen(keys)
    best = 0.5 - bounds.occam_gap(np.log(2.0), 10**6, 0.05) - np.asarray(found, float)
    judge.statistical((0.5 - best) / 5e-4, np.pi**-0.5, spoil=1.15)
