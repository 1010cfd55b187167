"""A small experiment: cheap, with a linear solve, a non-finite corner, and one whose problem cannot be made."""

import jax
import jax.numpy as jnp

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.sweep import Experiment


def make(noise, decay):
    if decay == 9.0:
        raise RuntimeError("decay 9 always fails")
    eigs = spectra.power(20, decay)
    return LinearGaussian(eigs, teachers.constant(eigs), noise, 8)


def trial(key, problem):
    path = least_squares.min_norm_path(least_squares.draw(problem, key), [3, 20])
    draws = jax.random.normal(key, (3,))
    return {
        "risk": problem.risk(path.coef),
        "draw": draws,
        "single": jnp.where(problem.noise > 50, jnp.inf, draws[0]),
    }


TOY = Experiment(
    "toy",
    axes=dict(noise=[0.1, 0.5], decay=[0.0, 1.0]),
    make=make,
    trial=trial,
    inner=dict(width=[3, 20], place=[0, 1, 2]),
    seeds=12,
    block=4,
    smoke=dict(seeds=4),
)
