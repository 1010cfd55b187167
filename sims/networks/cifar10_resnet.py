"""Pruned double descent of residual networks on CIFAR-10 (guide/networks.md, Protocol).

The protocol of the experiment network_double_descent for networks with k, 2k and 4k channels. The data are the files of the
binary version (cifar-10-binary.tar.gz of www.cs.toronto.edu/~kriz/cifar.html), unpacked by the user into ``folder``.
Made for an accelerator: on a CPU take few images and steps. Figure: figures/cifar10_resnet.py.
"""

import functools

import jax
import numpy as np
import optax

from jaxprune import datasets
from jaxprune.problems import Labelled, Training
from jaxprune.simulate.networks import double_descent, labelled
from jaxprune.simulate.networks.architectures import ResNet
from jaxprune.sweep import Experiment

WIDTH = [2, 3, 4, 6, 8, 12, 16]
BASE = [2, 4]
BLOCKS = 1  # per stage; 3 is the shape of ResNet-20
IMAGES = 10_000  # of the files, in their order; n of them to train on, the others to test on


@functools.cache
def images(folder):
    """The first of the images, each colour with mean 0 and variance 1."""
    inputs, labels = (part[:IMAGES] for part in datasets.cifar10(folder))
    centred = inputs - np.mean(inputs, axis=(0, 1, 2))
    return centred / np.maximum(np.std(centred, axis=(0, 1, 2)), 1e-6), labels


def make(folder, n, label_noise, rate, steps):
    return Training(Labelled(*images(folder), n=n, label_noise=label_noise), rate=rate, steps=steps)


def family(widest):
    return ResNet(widest, BLOCKS)


def trial(key, problem):
    sample, networks = jax.random.split(key)
    train, test = labelled.split(problem.data, sample)
    adam = optax.adam(problem.rate)
    return double_descent.surfaces(family, WIDTH, BASE, double_descent.TREATMENTS, train, test, adam, problem.steps, networks)


EXPERIMENT = Experiment(
    "cifar10_resnet",
    axes=dict(folder=["data/cifar-10-batches-bin"], n=[2000], label_noise=[0.2], rate=[0.003], steps=[500]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, base=BASE, treatment=list(double_descent.TREATMENTS)),
    seeds=5,
    share=("folder",),
    precision="float32",
    block=1,
    smoke=dict(seeds=1, n=[20], steps=[1]),
    describe="errors of residual networks on CIFAR-10 against width: dense, pruned, retrained, small from the start",
)
