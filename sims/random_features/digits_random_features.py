"""Pruned double descent on real data: handwritten digits, ReLU random features, least squares.

Each trial draws a training set of n digits and the features; the test set is the rest. ``target`` is "all" for
one-hot least squares, or one digit against the rest.
"""

import jax

from jaxprune import datasets
from jaxprune.problems import Labelled
from jaxprune.simulate.random_features import labelled as labelled_features
from jaxprune.sweep import Experiment

WIDTH = [30, 60, 100, 150, 200, 250, 280, 300, 320, 350, 400, 500, 700, 1000, 1500]
KEPT = [30, 100, 200]


def make(n, target):
    inputs, labels = datasets.digits()
    if target != "all":
        if target not in tuple("0123456789"):
            raise ValueError(f"target: {target!r} is neither 'all' nor a digit")
        labels = labels[:, [int(target)]]
    return Labelled(inputs=inputs, labels=labels, n=n)


def trial(key, problem):
    draw, rule = jax.random.split(key)
    split = labelled_features.draw(problem, WIDTH[-1], draw)
    return labelled_features.surfaces(split, WIDTH, KEPT, rule)


EXPERIMENT = Experiment(
    "digits_random_features",
    axes=dict(n=[300], target=["all"]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=["magnitude", "random"], kept=KEPT),
    seeds=40,
    block=2,
    smoke=dict(seeds=4),
    describe="test error and loss of pruned and retrained random-feature models of handwritten digits",
)
