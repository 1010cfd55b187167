"""The tables of Wan et al. 2023, re-made on handwritten digits: accuracy and pruning under noise of three types.

A mean-field tanh network (n = 1000) learns whether a digit is below 5 by descent on mini-batches with the logistic loss;
its neurons are pruned while they hold at most a tenth of the energy. Every type has its own control at alpha = 2, because
types differ even without heavy tails; "none" is training without noise. Seeds share their data, first weights,
mini-batches, and the uniform numbers behind the noise across alpha. ``data``: "digits", "synthetic" (two classes of made-up
signals), or your own files: "npz:FILE" with ``inputs`` (samples, d) and integers ``labels`` (samples,), "csv:FILE" with the
class in the last column, "ecg5000:FOLDER", "mnist:FOLDER", "cifar10:FOLDER". More than two classes are split in halves.
``tested``: the number of samples kept for the test or, below 1, their share; ``batch``: that of a mini-batch.
"""

import functools

import numpy as np

from jaxprune import datasets
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.sgd import noisy_training
from jaxprune.sweep import Experiment

TESTED = 450.0  # samples kept for the test; below 1: a share
BATCH = 128


@functools.cache
def images(data):
    """Inputs centred, on a scale on which their range is 2; labels of two classes, the first of which is the positive one."""
    inputs, labels = datasets.named(data)
    if (classes := labels.shape[1]) > 2:
        labels = np.stack([labels[:, : classes // 2].sum(1), labels[:, classes // 2 :].sum(1)], axis=1)
    return (inputs - inputs.mean(0)) * (2 / np.ptp(inputs)), labels


def make(data, noise, alpha, sigma, step_size, tested=TESTED, batch=BATCH):
    inputs, labels = images(data)
    silent = noise == "none"
    return HeavyTailedSGD(
        Labelled(inputs, labels, n=datasets.training_count(len(inputs), tested, batch)),
        alpha=stable.index(alpha),
        sigma=0.0 if silent else sigma,
        step_size=step_size,
        n=1000,
        steps=200,
        batch=batch,
        noise="III" if silent else noise,
    )


def trial(key, problem):
    return noisy_training.mean_field_trial(problem, key)


def findings(samples):
    """Means over seeds of the pruning ratio and of the test accuracy before and after, for every noise."""
    here = samples.isel(dict.fromkeys(("data", "sigma", "step_size", "tested", "batch"), -1))
    stated = {}
    for noise in here["noise"].values:
        for alpha in here["alpha"].values[:1] if noise == "none" else here["alpha"].values:
            words = "no noise" if noise == "none" else f"type {noise}, alpha {alpha:g}"
            for metric in ("pruning_ratio", "test_accuracy", "pruned_test_accuracy"):
                stated[f"{metric}, {words}"] = estimates.mean(here[metric].sel(noise=noise, alpha=alpha))
    return stated


EXPERIMENT = Experiment(
    "heavy_tailed_sgd",
    axes=dict(
        data=["digits"],
        noise=["none", "I", "II", "III"],
        alpha=[2.0, 1.9, 1.8, 1.75, 1.5],
        sigma=[0.02],
        step_size=[1.0],
        tested=[TESTED],
        batch=[BATCH],
    ),
    make=make,
    trial=trial,
    findings=findings,
    seeds=20,
    share=("noise", "alpha", "sigma", "tested", "batch"),
    precision="float32",
    block=5,
    smoke=dict(noise=["none", "III"], alpha=[1.5], seeds=5),
    describe="the papers' tables on digits: accuracies, pruning ratio and functional error for every type of noise",
)
