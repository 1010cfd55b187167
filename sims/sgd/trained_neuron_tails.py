"""The tail of trained neurons: training does not change the constant that the noise gives it.

The mean-field tanh network learns the sign of its first input by full-batch descent with noise of the three types. For
large r, P(|theta| > r sigma T^(1/alpha)) is C r^-alpha, with C of the noise's type and, under weight decay, T the effective
time of guide/sde.md, Tail of trained neurons. ``beyond``: the fraction of neurons beyond such a radius.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.problems import NoisyNeurons
from jaxprune.simulate import stable
from jaxprune.simulate.sgd import noisy_training
from jaxprune.sweep import Experiment

N = 2000
RADIUS = np.round(np.geomspace(1, 400, 22), 4).tolist()


def make(noise, alpha, decay, dim, sigma, horizon):
    index = stable.index(alpha)
    return NoisyNeurons(index, sigma, horizon, decay=decay, dim=dim, steps=40, samples=200, noise=noise, target="sign")


def trial(key, problem):
    _, theta = noisy_training.neurons(problem, N, key)
    shrunk = jnp.abs(1 - problem.decay * problem.step_size) ** (problem.alpha.alpha * jnp.arange(problem.steps))
    time = problem.step_size * jnp.sum(shrunk)
    norms = jnp.linalg.norm(theta, axis=1) / (problem.sigma * time**problem.alpha.inverse)
    return {"beyond": jnp.mean(norms > jnp.asarray(RADIUS)[:, None], axis=1)}


EXPERIMENT = Experiment(
    "trained_neuron_tails",
    axes=dict(noise=["I", "II", "III"], alpha=[1.5, 1.8], decay=[0.0, 0.5], dim=[4], sigma=[0.5], horizon=[2.0]),
    make=make,
    trial=trial,
    inner=dict(radius=RADIUS),
    seeds=100,
    share=("noise", "alpha", "decay"),
    block=10,
    smoke=dict(noise=["III"], alpha=[1.5], seeds=10),
    describe="fraction of trained neurons beyond a radius, against the tail that the noise alone would give",
)
