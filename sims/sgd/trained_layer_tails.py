"""Are the layers that plain descent trains heavy-tailed, and is that why they can be pruned? (Barsbey et al. 2021.)

A ReLU network without biases learns handwritten digits by constant-step descent on mini-batches, no noise added, until it
knows the training set; the mean of its iterates over the next 1000 steps is measured. ``ratio`` is step size / batch size.

Tail indices of the entries of a layer by block sums (the released code's aggregate, not capped at 2), which assume a stable
law, and by the moment estimator, which looks at the largest entries. Controls without heavy tails: the weights at the start,
which are uniform, and two sets of Gaussian numbers, one with the variance of the layer, one with the mean square of each of
its rows and columns too. Pruning removes entries, nodes or singular values at a relative error (not squared) in each layer.

On digits the index by block sums falls as the step size grows, as in the paper, and is lowest in the last layer. But the
largest entries show no power law at any step size; Gaussian numbers with the norms of rows and columns read as heavier still,
except beside the last layer at large step sizes; and the share of entries that can be pruned, 0.23 to 0.30, is about that of
normal numbers, 0.27, and below that of a stable law of the index that was read. Runs near the largest step size that do not
learn are counted, and left out of the medians.

``data``, ``tested`` as in the experiment heavy_tailed_sgd. Source: guide/sgd.md, Trained layers.
"""

import functools

import jax.numpy as jnp
import numpy as np

from jaxprune import datasets
from jaxprune.judge import estimates
from jaxprune.problems import SGD, Labelled
from jaxprune.simulate.sgd import trained_layers
from jaxprune.sweep import Experiment

TESTED = 450.0  # samples kept for the test; below 1: a share
AVERAGED = 1000
ERRORS = [0.1, 0.3, 0.5, 0.7, 0.9]  # the first is that of the papers


@functools.cache
def images(data):
    """Inputs with mean 0 and, all together, mean square 1; one-hot labels."""
    inputs, labels = datasets.named(data)
    centred = inputs - inputs.mean(0)
    return centred / np.sqrt(np.mean(centred**2)), labels


def make(data, depth, width, batch, ratio, tested=TESTED):
    inputs, labels = images(data)
    return SGD(
        Labelled(inputs, labels, n=datasets.training_count(len(inputs), tested, batch)),
        step_size=ratio * batch,
        n=width,
        depth=depth,
        steps=10_000,
        batch=batch,
        averaged=AVERAGED,
        every=100,
    )


def trial(key, problem):
    return trained_layers.trial(problem, jnp.asarray(ERRORS), key)


def findings(samples):
    """Medians over the seeds that learnt, at the smallest batch and the ends of the step sizes."""
    here = samples.isel(dict.fromkeys(("data", "depth", "width", "tested"), -1)).isel(batch=0)
    ends = samples["ratio"].values[[0, -1]]
    stated = {}
    for layer in ("first", "last"):
        for weights in ("trained", "equal norms"):
            for ratio in ends:
                inverse = here["inverse"].sel(ratio=ratio, weights=weights, estimator="block sums", layer=layer)
                index = estimates.estimate(lambda x: 1 / np.median(x), inverse.values)
                stated[f"index by block sums, {layer} layer, {weights}, step size / batch {ratio:g}"] = index
    for ratio in ends:
        gone = here["removed"].sel(ratio=ratio, rule="entries", error=ERRORS[0])
        stated[f"entries that can be pruned, step size / batch {ratio:g}"] = estimates.estimate(np.median, gone.values)
    return stated


EXPERIMENT = Experiment(
    "trained_layer_tails",
    axes=dict(
        data=["digits"], depth=[4], width=[128], batch=[8, 32], ratio=[0.005, 0.01, 0.015, 0.02, 0.025, 0.03], tested=[TESTED]
    ),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(
        weights=list(trained_layers.WEIGHTS),
        estimator=list(trained_layers.ESTIMATORS),
        layer=list(trained_layers.LAYERS),
        rule=list(trained_layers.RULES),
        error=ERRORS,
    ),
    dims=dict(
        inverse=["weights", "estimator", "layer"],
        claimed=["weights", "estimator", "layer"],
        valid=["weights", "estimator", "layer"],
        disagree=["weights", "layer"],
        entries_removed=["weights", "layer"],
        removed=["rule", "error"],
        pruned_test_accuracy=["rule", "error"],
    ),
    seeds=20,
    share=("batch", "ratio", "tested"),
    precision="float32",
    block=5,
    smoke=dict(depth=[3], width=[32], batch=[32], ratio=[0.01], seeds=5),
    describe="tail indices and pruning of layers that plain descent has trained, beside Gaussian controls",
)
