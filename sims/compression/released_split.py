"""The compression of Shin's released code on trained networks: accuracy and distance before and after (Shin 2021).

A ReLU network of three matrices learns handwritten digits by descent on mini-batches, with heavy-tailed noise on its hidden
layers (type II, tail index 1.5) or without. Then, one layer at a time, its entries up to one standard deviation are replaced
by Gaussian noise, ten times: with the mean and deviation of all entries (``scale`` "released") or of the replaced ones
("matched").

``split_accuracy`` is the mean test accuracy over the ten, ``split_spread`` its standard deviation; ``squared_error`` the
relative squared Frobenius error, ``expected_error`` what the formulas for entries of mean 0 make of the kept fraction and
energy; ``kept`` the fraction of entries kept; ``tail_index`` that of a power law fitted to the entries' magnitudes.

Without noise accuracy survives, which is not closeness: the error is near 1 with the released scale. In the first layer of
networks with heavy-tailed noise far fewer entries are kept, more accuracy is lost, and runs differ widely. The small entries of
the last layer have a mean, so matched noise is a little closer there than the formula says.
Source: guide/compression.md, The released split.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import datasets
from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.compression import released_split
from jaxprune.simulate.networks import labelled, losses
from jaxprune.simulate.sgd import noisy_training, released_code, training
from jaxprune.simulate.tails import power_law
from jaxprune.sweep import Experiment

REPLACEMENTS, DEPTH = 10, 3
LAYERS = {"first": 0, "last": -1}
LOSS = losses.CrossEntropy()


@functools.cache
def images():
    """Inputs with mean 0 and, all together, mean square 1; one-hot labels."""
    inputs, labels = datasets.named("digits")
    centred = inputs - inputs.mean(0)
    return centred / np.sqrt(np.mean(centred**2)), labels


def make(noise, width, steps):
    inputs, labels = images()
    return HeavyTailedSGD(
        Labelled(inputs, labels, n=datasets.training_count(len(inputs), 450.0, 32)),
        alpha=stable.index(1.5),
        sigma=0.0 if noise == "none" else 5e-4,
        step_size=0.3,
        n=width,
        steps=steps,
        batch=32,
        noise="II",
    )


def trial(key, problem):
    sample, first, path, replacing = jax.random.split(key, 4)
    train, test = ((batch.inputs, batch.labels.T) for batch in labelled.split(problem.data, sample))
    model = released_code.network(train[0].shape[1], problem.n, train[1].shape[1], DEPTH)
    drift = released_code.Drift(*train, model, LOSS, batch=problem.batch)
    laws = released_code.noise(model, stable.neuron_noise(problem.noise, problem.alpha, problem.sigma))

    def score(weights, data=train):
        found = released_code.evaluated(model, weights, data[0])
        return jnp.mean(LOSS(found, data[1])), losses.accuracy(found, data[1])

    stopping = noisy_training.stopping_rule(problem, train[1].shape[1])
    start = released_code.initial(model, first)
    run = training.train(drift, laws, start, path, step_size=problem.step_size, stopping=stopping, score=score)
    columns = [_replaced(run.value, place, lambda w: score(w, test)[1], replacing) for place in LAYERS.values()]
    row = {name: jnp.stack([c[name] for c in columns], axis=-1) for name in columns[0]}
    row["test_accuracy"] = score(run.value, test)[1]
    bad = run.reason == training.NOT_FINITE
    return {name: jnp.where(bad, jnp.nan, value) for name, value in row.items()}


def _replaced(weights, place, accuracy, key):
    """What becomes of a network when one of its layers is split, by scale."""
    layer = weights[place]
    large = released_split.large(layer)
    kept, dropped = jnp.mean(large), jnp.sum(jnp.where(large, 0, layer**2)) / jnp.sum(layer**2)

    def one(key, scale):
        value = released_split.split(key, layer, scale).value
        network = list(weights)
        network[place] = value
        return accuracy(tuple(network)), released_split.squared_error(value, layer)

    keys = jax.random.split(key, REPLACEMENTS)
    found = [jax.vmap(functools.partial(one, scale=scale))(keys) for scale in released_split.SCALES]
    return dict(
        split_accuracy=jnp.stack([jnp.mean(a) for a, _ in found]),
        split_spread=jnp.stack([jnp.std(a, ddof=1) for a, _ in found]),
        squared_error=jnp.stack([jnp.mean(e) for _, e in found]),
        expected_error=jnp.stack([dropped + 1 - kept, 2 * dropped]),
        kept=kept,
        tail_index=power_law.fit(jnp.ravel(jnp.abs(layer))).tail_index,
    )


def findings(samples):
    """Means over seeds at the largest network."""
    here, stated = samples.isel(width=-1, steps=-1), {}
    for noise in here["noise"].values:
        words = "no noise" if noise == "none" else "heavy-tailed noise"
        stated[f"test accuracy, {words}"] = estimates.mean(here["test_accuracy"].sel(noise=noise).values)
        for layer in LAYERS:
            place = here.sel(noise=noise, layer=layer)
            stated[f"kept, {layer} layer, {words}"] = estimates.mean(place["kept"].values)
            for scale in released_split.SCALES:
                for metric in ("split_accuracy", "squared_error"):
                    stated[f"{metric}, {scale}, {layer} layer, {words}"] = estimates.mean(place[metric].sel(scale=scale).values)
    return stated


EXPERIMENT = Experiment(
    "released_split",
    axes=dict(noise=["none", "heavy"], width=[64], steps=[2000]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(scale=list(released_split.SCALES), layer=list(LAYERS)),
    dims={
        **{name: ["scale", "layer"] for name in ("split_accuracy", "split_spread", "squared_error", "expected_error")},
        **{name: ["layer"] for name in ("kept", "tail_index")},
    },
    seeds=20,
    share=("noise",),
    block=5,
    smoke=dict(width=[16], steps=[200], seeds=5),
    metrics=[
        Metric("split_accuracy", "test accuracy when a layer is split, mean of ten replacements"),
        Metric("split_spread", "standard deviation of the test accuracy over ten replacements"),
        Metric("squared_error", "relative squared Frobenius error of the layer"),
        Metric("expected_error", "the same by the kept fraction and energy"),
        Metric("kept", "fraction of the layer's entries that is kept"),
        Metric("tail_index", "tail index of a power law fitted to the layer's entries"),
    ],
    describe="accuracy and distance of trained networks when the small entries of a layer are replaced by noise",
)
