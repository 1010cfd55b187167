"""Compression of a trained two-layer ReLU network against pruning, at equal numbers M of neurons, on real inputs.

The mean-field network of the experiment heavy_tailed_sgd, with ReLU for tanh, 300 neurons and one output, learns whether a
digit is below five, without noise or under noise of type I; it has no biases, and output weights +1/n and -1/n that stay. One
output, and no biases, are what exact population losses cover: ten classes would be ten targets that share their rows.

"covariance" is the network of M neurons with the least population loss for Gaussian inputs with the second moment of the
training inputs, "white" that for isotropic ones. That inputs are Gaussian is an assumption: those of digits are not, and the
losses that these two make least are not the errors that are measured, on test inputs: ``function_error``, the root mean square
of what the output is off, relative to that of the dense network, and ``test_error`` of the classifier. ``gaussian_error`` is
the relative error that the Gaussian inputs would have. "greedy" takes neurons of the target with the best weights for the
Gaussian inputs; k-means, magnitude and random look at weights only. ``outer`` "own": output weights as the method gives them;
"fitted": by least squares to the dense network's outputs on the training inputs, labels unseen, for every method alike.

Directions in which the training inputs hardly vary cost the population loss nothing, so that rows may be long there, and test
inputs that do vary there pay for it: "covariance" can fall behind "white", and not only by what is not Gaussian. k-means
divides its clusters between the signs of the outputs as its random first rows fall.

``data`` as in the experiment heavy_tailed_sgd.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import datasets
from jaxprune.contracts import Finding, Metric
from jaxprune.judge import crossing, estimates
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.two_layer import losses, trained
from jaxprune.sweep import Experiment

WIDTH = [2, 4, 8, 16, 32]
OUTER = ["own", "fitted"]
RESTARTS = 4
TESTED = 450  # samples kept for the test
NEAR = 0.01  # of the dense network's test error
STATED = [8, 32]  # widths
METRICS = (
    Metric("dense_error", "test error of the dense network"),
    Metric("function_error", "relative error of the output, test inputs"),
    Metric("gaussian_error", "relative error of the output, Gaussian inputs with the second moment of the data"),
    Metric("test_error", "test error"),
)


@functools.cache
def images(data):
    """Inputs centred, on a scale on which their range is 2; labels of two classes, the first of which is the positive one."""
    inputs, labels = datasets.named(data)
    half = labels.shape[1] // 2
    two = np.stack([labels[:, :half].sum(1), labels[:, half:].sum(1)], axis=1)
    return (inputs - inputs.mean(0)) * (2 / np.ptp(inputs)), two


def make(data, noise, alpha, sigma, n):
    inputs, labels = images(data)
    silent = noise == "none"
    return HeavyTailedSGD(
        Labelled(inputs, labels, n=datasets.training_count(len(inputs), TESTED, 128)),
        alpha=stable.index(alpha),
        sigma=0.0 if silent else sigma,
        step_size=1.0,
        n=n,
        steps=200,
        batch=128,
        noise="I" if silent else noise,
    )


def trial(key, problem):
    training, narrowing = jax.random.split(key)
    net = trained.train(problem, training)
    inputs = trained.roots(net.train[0])
    narrow = trained.narrow(narrowing, net.target, inputs, WIDTH, RESTARTS)
    return {**_surfaces(narrow, net, inputs), "dense_error": trained.classification_error(net.target, net.test)}


def _surfaces(narrow, net, inputs):
    """What narrow networks do, with their own output weights and with fitted ones: by rule, width and ``OUTER``."""
    seen, whole = net.target.rows @ inputs.root, net.target.weights
    wanted, energy = trained.outputs(net.target, net.train[0]), losses.energy("relu", seen, whole)

    def columns(form):
        gaussian = losses.split_loss(form.rows @ inputs.root, form.weights, seen, whole) / energy
        return {
            "function_error": trained.relative_error(form, net.target, net.test[0]),
            "gaussian_error": jnp.sqrt(jnp.maximum(gaussian, 0)),
            "test_error": trained.classification_error(form, net.test),
        }

    def both(network):
        fitted = trained.fitted(network, net.train[0], wanted)
        return jax.lax.map(columns, jax.tree.map(lambda *forms: jnp.stack(forms), network, fitted))

    flat = jax.tree.map(lambda part: part.reshape(-1, *part.shape[2:]), narrow)
    shape = (len(trained.METHODS), len(WIDTH), len(OUTER))
    return {name: found.reshape(shape) for name, found in jax.lax.map(both, flat).items()}


def findings(samples):
    """Test errors at two widths, the width within one point of the dense network, and how far the Gaussian error of the optimum
    is from the measured one."""
    stated = {}
    for noise in samples["noise"].values:
        for alpha in samples["alpha"].values[:1] if noise == "none" else samples["alpha"].values:
            here = samples.isel(dict.fromkeys(("data", "sigma", "n"), -1)).sel(noise=noise, alpha=alpha)
            words = "no noise" if noise == "none" else f"type {noise}, alpha {alpha:g}"
            stated[f"test error, dense, {words}"] = estimates.mean(here["dense_error"])
            own = here.sel(outer="own")
            for rule in here["rule"].values:
                for width in STATED:
                    error = own["test_error"].sel(rule=rule, width=width)
                    stated[f"test error, {rule}, M = {width}, {words}"] = estimates.mean(error)
                stated |= _near(own.sel(rule=rule), f"{rule}, {words}")
                stated |= _near(here.sel(rule=rule, outer="fitted"), f"{rule} fitted, {words}")
            best = own.sel(rule="covariance", width=STATED[-1])
            ratio = estimates.estimate(np.median, (best["function_error"] / best["gaussian_error"]).values)
            stated[f"median of the error on test inputs over that on Gaussian ones, M = {STATED[-1]}, {words}"] = ratio
    return stated


def _near(here, words):
    """Nothing where the mean is not seen to pass from above to below."""
    above = (here["test_error"] - here["dense_error"] - NEAR).transpose("seed", "width").values
    try:
        found = crossing(np.log2(here["width"].values), above, seed=0)
    except ValueError:
        return {}
    width = 2**found.place
    return {f"M within one point of dense, {words}": Finding(width, width * np.log(2) * found.error)}


EXPERIMENT = Experiment(
    "trained_network",
    axes=dict(data=["digits"], noise=["none", "I"], alpha=[2.0, 1.5], sigma=[0.02], n=[300]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(rule=list(trained.METHODS), width=WIDTH, outer=OUTER),
    metrics=METRICS,
    seeds=12,
    share=("noise", "alpha", "sigma"),
    block=12,
    smoke=dict(noise=["none"], alpha=[1.5], n=[40], seeds=8),
    describe="test and function errors of narrow networks in place of a trained one: optimal for Gaussian inputs, and pruned",
)
