"""Pruned double descent of trained networks (guide/networks.md, Protocol), on handwritten digits.

Networks 64 - k - 10 with ReLU learn 500 digits, a fifth of them with random labels, by full-batch Adam; they are pruned
to the number of weights of a dense network of width 8 or 16 and trained again for as many steps. The fair baseline is
that small network itself, trained for both periods. ``data`` is "digits", or a folder of your own files of MNIST or
Fashion-MNIST (train-images-idx3-ubyte and so on, gzipped or not).
"""

import functools

import jax
import numpy as np
import optax

from jaxprune import datasets
from jaxprune.judge import estimates
from jaxprune.problems import Labelled, Training
from jaxprune.simulate.networks import double_descent, labelled
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.sweep import Experiment

WIDTH = [8, 12, 16, 24, 32, 48, 64, 96, 128]
BASE = [8, 16]


@functools.cache
def images(data):
    """Pixels scaled to a mean square of one, for which He initialisation is made."""
    inputs, labels = datasets.digits() if data == "digits" else datasets.mnist(data)
    return inputs / np.sqrt(np.mean(inputs**2)), labels


def make(data, n, label_noise, rate, steps):
    return Training(Labelled(*images(data), n=n, label_noise=label_noise), rate=rate, steps=steps)


def trial(key, problem):
    sample, networks = jax.random.split(key)
    train, test = labelled.split(problem.data, sample)
    inputs, classes = train.inputs.shape[1], len(train.labels)

    def family(widest):
        return MLP(inputs, (widest,), classes)

    adam = optax.adam(problem.rate)
    return double_descent.surfaces(family, WIDTH, BASE, double_descent.TREATMENTS, train, test, adam, problem.steps, networks)


def findings(samples):
    """Test errors of the smallest and the widest network, and of its pruned forms, at the larger budget."""
    here = samples.isel(dict.fromkeys(("data", "n", "label_noise", "rate", "steps"), -1))
    base, wide = BASE[-1], WIDTH[-1]
    stated = {
        f"dense, width {wide}": estimates.mean(here["dense_error"].sel(width=wide)),
        f"dense, width {base}": estimates.mean(here["dense_error"].sel(width=base)),
    }
    for treatment in ("magnitude, trained", "hessian, trained", "random, trained"):
        for width in WIDTH[WIDTH.index(base) :]:
            error = here["retrained_error"].sel(width=width, base=base, treatment=treatment)
            stated[f"width {width} pruned to that of {base} and retrained: {treatment}"] = estimates.mean(error)
    return stated


EXPERIMENT = Experiment(
    "network_double_descent",
    axes=dict(data=["digits"], n=[500], label_noise=[0.2], rate=[0.01], steps=[1000]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(width=WIDTH, base=BASE, treatment=list(double_descent.TREATMENTS)),
    seeds=20,
    share=("data",),
    precision="float32",
    block=5,
    smoke=dict(seeds=5, steps=[30]),
    describe="errors of networks on noisy digits against width: dense, pruned, retrained, small from the start",
)
