"""Pruning the network that learns nothing: the error of its parameters falls with the width, that of its function does not.

The mean-field tanh network with target zero and noise of type III (guide/compression.md, A network that learns nothing),
trained on the raw time scale, keeps the largest neurons. Widths are nested in one run of the widest. Besides the two
errors: n^(2/alpha-1) times the squared parameter error, and n times the mean square of the function and of its removed
part, which have limits that theory knows.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.problems import NoisyNeurons
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.sgd import noisy_training
from jaxprune.sweep import Experiment

N = [100, 1000, 10000]
KAPPA = [0.05, 0.1, 0.3]
TESTED = 100  # inputs


def make(alpha, dim, sigma, horizon, noise):
    index = stable.index(alpha)
    return NoisyNeurons(index, sigma, horizon, dim=dim, steps=10, samples=50, noise=noise, target="null", time_scale="raw")


def trial(key, problem):
    path, test = jax.random.split(key)
    inputs = jax.random.normal(test, (TESTED, problem.dim))

    def at(n):
        net, theta = noisy_training.neurons(problem, n, path)
        place = compressibility.ranks(compressibility.sizes(theta))
        kept = np.rint(np.multiply(KAPPA, n)).astype(int)
        small = jnp.where(place[:, None] < kept, 0.0, net.outer)  # an output for each fraction: what it removes
        whole, *removed = dataclasses.replace(net, outer=jnp.hstack([net.outer, small]))(theta, inputs).T
        square = compressibility.removed_share(theta)[n - kept]
        power = n ** (problem.alpha.rest * 2 * problem.alpha.inverse + 1)  # 2 / alpha - 1
        return {
            "function": n * jnp.mean(whole**2),
            "parameter_error": jnp.sqrt(square),
            "scaled_square_error": power * square,
            "removed_function": n * jnp.mean(jnp.square(jnp.stack(removed)), axis=1),
            "functional_error": jnp.stack([compressibility.functional_error(whole - part, whole) for part in removed]),
        }

    return jax.tree.map(lambda *widths: jnp.stack(widths), *map(at, N))


EXPERIMENT = Experiment(
    "functional_error",
    axes=dict(alpha=[1.2, 1.5, 1.75], dim=[8], sigma=[0.5], horizon=[1.0], noise=["III"]),
    make=make,
    trial=trial,
    inner=dict(n=N, kappa=KAPPA),
    dims=dict(
        function=["n"],
        parameter_error=["n", "kappa"],
        scaled_square_error=["n", "kappa"],
        removed_function=["n", "kappa"],
        functional_error=["n", "kappa"],
    ),
    seeds=1920,
    share=("alpha",),
    precision="float32",
    block=80,
    smoke=dict(alpha=[1.5], seeds=80),
    describe="errors of the parameters and of the function of a pruned network that learns nothing, against its width",
)
