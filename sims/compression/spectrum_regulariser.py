"""Training with a penalty on the stable rank: does a spectrum that few directions carry make layers easier to compress?

A ReLU network of two matrices without biases learns digits by descent on mini-batches; its mean cross entropy is increased by
``rate`` times the sum over layers of |W|_F^2/|W|_2^2. ``kept``: the fewest entries of a layer with a relative Frobenius error
of 10 %, ``rank``: the fewest singular values, as shares of all.

The penalty does what it says: stable ranks fall from 6 to nearly 1, and half as many singular values of the first layer are
enough, at little cost in test error. Entries hardly gain: two thirds of them are still needed where seven tenths were. So a
low stable rank is no sign of few large entries, and a bound that counts entries gains little from such a penalty.
Source: guide/compression.md, Stable rank.
"""

import jax.numpy as jnp

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import linalg, stable
from jaxprune.simulate.compression import compressibility, projection
from jaxprune.simulate.sgd import trained_network
from jaxprune.sweep import Experiment
from sims.compression.released_split import images

ERROR = 0.1
LAYERS = ["first", "last"]


def make(rate, width, steps):
    return rate, HeavyTailedSGD(
        Labelled(*images(), n=1347), alpha=stable.index(2.0), sigma=0.0, step_size=0.3, n=width, steps=steps, batch=32
    )


def penalty(layers):
    """The sum of the stable ranks."""
    return jnp.sum(jnp.stack([projection.stable_rank(w) for w in layers]))


def trial(key, problem):
    rate, learning = problem
    found = trained_network.trained(learning, key, 2, rate, penalty)
    columns = [measured(w) for w in found.layers]
    row = {name: jnp.stack([c[name] for c in columns]) for name in columns[0]}
    row["train_error"] = jnp.mean(found.wrong(found.layers, found.train), dtype=float)
    row["test_error"] = jnp.mean(found.wrong(found.layers, found.test), dtype=float)
    return {name: jnp.where(found.diverged, jnp.nan, value) for name, value in row.items()}


def measured(layer):
    """Of one layer: its stable rank, and what is kept of entries and of singular values."""
    values = linalg.singular_values(layer)
    return dict(
        stable_rank=jnp.sum(values**2) / values[0] ** 2,
        kept=1 - compressibility.removed_count(jnp.ravel(layer), ERROR, squared=False) / layer.size,
        rank=1 - compressibility.removed_count(values, ERROR, squared=False) / values.size,
    )


def findings(samples):
    """Means over seeds at the largest network, by rate; and what the largest rate changes, seed by seed."""
    here, stated = samples.isel(width=-1, steps=-1), {}
    for rate in here["rate"].values.tolist():
        one = here.sel(rate=rate)
        stated[f"test error, rate {rate:g}"] = estimates.mean(one["test_error"])
        for layer in LAYERS:
            for metric, words in WORDS.items():
                stated[f"{words}, {layer} layer, rate {rate:g}"] = estimates.mean(one[metric].sel(layer=layer))
    if here.sizes["rate"] > 1:
        first, last = here.isel(rate=0), here.isel(rate=-1)
        for layer in LAYERS:
            change = (last["kept"] - first["kept"]).sel(layer=layer)
            stated[f"change of the entries kept by the largest rate, {layer} layer"] = estimates.mean(change)
    return stated


WORDS = dict(stable_rank="stable rank", kept="entries kept", rank="singular values kept")
EXPERIMENT = Experiment(
    "spectrum_regulariser",
    axes=dict(rate=[0.0, 0.001, 0.003, 0.01, 0.03, 0.1], width=[32], steps=[1000]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(layer=LAYERS),
    seeds=10,
    share=("rate",),
    block=5,
    smoke=dict(rate=[0.0, 0.03], width=[16], steps=[100], seeds=8),
    metrics=[
        Metric("stable_rank", "squared Frobenius norm over squared operator norm of a layer"),
        Metric("kept", "fewest entries of a layer for a relative error of 10 %, as a share"),
        Metric("rank", "fewest singular values of a layer for a relative error of 10 %, as a share"),
        Metric("train_error", "error on the training samples"),
        Metric("test_error", "error on test samples"),
    ],
    describe="test error, stable rank and compressibility of networks trained with a penalty on the stable rank",
)
