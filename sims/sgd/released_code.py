"""The network and the noise of the released code of Wan et al. 2023, on handwritten digits, with every quirk.

ReLU layers without biases, all of them trained, PyTorch's first weights; noise in the hidden layer only. Training stops at
95 % training accuracy, looked at after 1, 101, 201, ... steps, before the noise of that step. Mini-batches are shuffled
epochs. Type III is smaller by 2^(-1/2) and is NaN at alpha = 2, type I at alpha = 2 is N(0, 1):
``jaxprune/simulate/sgd/released_code.py`` lists it all. Runs that the code does not save are NaN. ``data``, ``tested`` and
``batch`` as in the experiment heavy_tailed_sgd, with all classes.
"""

import functools

import numpy as np

from jaxprune import datasets
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.sgd import noisy_training
from jaxprune.sweep import Experiment

TESTED = 450.0  # samples kept for the test; below 1: a share
BATCH = 256


@functools.cache
def images(data):
    """Inputs with mean 0 and variance 1 over all of them; ECG5000 and signals as they are."""
    inputs, labels = datasets.named(data)
    if data.startswith(("synthetic", "ecg5000")):
        return inputs, labels
    return (inputs - np.mean(inputs)) / np.std(inputs), labels


def make(data, noise, alpha, sigma, step_size, width, tested=TESTED, batch=BATCH):
    inputs, labels = images(data)
    silent = noise == "none"
    return HeavyTailedSGD(
        Labelled(inputs, labels, n=datasets.training_count(len(inputs), tested, batch)),
        alpha=stable.index(alpha),
        sigma=0.0 if silent else sigma,
        step_size=step_size,
        n=width,
        steps=1000,
        batch=batch,
        noise="I" if silent else noise,
        accuracy=0.95,
        every=100,
    )


def trial(key, problem):
    return noisy_training.released_trial(problem, key)


EXPERIMENT = Experiment(
    "released_code",
    axes=dict(
        data=["digits"],
        noise=["none", "I", "II", "III"],
        alpha=[2.0, 1.9, 1.8, 1.75],
        sigma=[0.01],
        step_size=[0.05],
        width=[1000],
        tested=[TESTED],
        batch=[BATCH],
    ),
    make=make,
    trial=trial,
    seeds=20,
    share=("noise", "alpha", "sigma", "tested", "batch"),
    precision="float32",
    block=5,
    smoke=dict(noise=["I"], alpha=[1.75], width=[50], seeds=5),
    describe="the released code's network and noise on digits, with its quirks: accuracies, pruning ratio, why it stopped",
)
