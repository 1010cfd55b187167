"""An experiment whose samples were stored before the package's modules moved."""

import jax

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.sweep import Experiment


def make(noise):
    eigs = spectra.power(12, 1.0)
    return LinearGaussian(eigs, teachers.constant(eigs), noise, 6)


def trial(key, problem):
    sample, other = jax.random.split(key)
    path = least_squares.min_norm_path(least_squares.draw(problem, sample), [3, 12])
    fresh = least_squares.draw(problem, other)
    return {"risk": problem.risk(path.coef), "size": (fresh.features**2).sum()}


EXPERIMENT = Experiment(
    "moved", axes=dict(noise=[0.1, 0.5]), make=make, trial=trial, inner=dict(width=[3, 12]), seeds=4, block=2
)
