"""What a bound says of networks trained on handwritten digits as they are pruned, with every cost of their code.

A ReLU network of two matrices without biases learns digits by descent on mini-batches, with heavy-tailed noise on its hidden
layer (type II, tail index 1.5) or without. Then its largest weights are kept, one threshold for all layers, in few bits each;
nothing is retrained. ``bound``: Occam-kl at ``DELTA``, with the number of kept weights, which they are, signs and values, the
ends of the grid and the choice of bits paid. By layer: tail index of a power law fitted to magnitudes of entries, that of
the squared singular values by Hill's estimate from the upper half of them, and the stable rank.

``excess`` is the error on all digits less the least bound: the training samples are drawn from the digits without replacement,
so for it the bound holds as a theorem, whoever wrote the digits. ``unpaid_excess`` is the same for the bound of a classifier
fixed before the data, which these are not; it fails.

Digits are enough for a bound that says something: the least one of the smaller networks is below what guessing does, 0.9, and
below the error of the most frequent label in every run; the test error is still about five times lower. Its code says some
hundreds of nats of as many weights, to 1,347 samples; a third of the bound is due to their positions. Heavy-tailed noise
gives the first layer heavier tails at widths 16 and 64, and there the least bound is higher with noise than without: pruned
networks make more errors. With every weight kept the errors rise again: the bound takes one to four bits for a size, and
the cells of so few reach down to the tiniest weight. The bound is that of one network at a time: the best of six would cost
another log 6. Source: guide/bounds.md, Along pruning.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import linalg, stable
from jaxprune.simulate.bounds import pruning_curve
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.sgd import trained_network
from jaxprune.simulate.tails import extreme, power_law
from jaxprune.sweep import Experiment
from sims.compression.released_split import images

CLASSES, INPUTS, DELTA = 10, 64, 0.05
SAMPLES = 1347  # of the 1,797 digits, to train on
KEPT = [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0]  # of all weights
BITS = [1, 2, 3, 4, 6]
LAYERS = {"first": 0, "last": -1}
NOISES = {"none": "no noise", "heavy": "heavy-tailed noise"}
OF_LAYERS = {
    "entry_index": "tail index of entries",
    "spectral_index": "tail index of eigenvalues",
    "stable_rank": "stable rank",
}
CURVES = ("bound", "train_error", "test_error", "nats", "value_bits")


def weights(width):
    """How many a network has."""
    return width * (INPUTS + CLASSES)


def make(noise, width, steps):
    inputs, labels = images()
    return HeavyTailedSGD(
        Labelled(inputs, labels, n=SAMPLES),
        alpha=stable.index(1.5),
        sigma=0.0 if noise == "none" else 5e-4,
        step_size=0.3,
        n=width,
        steps=steps,
        batch=32,
        noise="II",
    )


def trial(key, problem):
    found = trained_network.trained(problem, key)
    row = pruning_curve.curve(
        found.layers,
        lambda layers: found.wrong(layers, found.train),
        lambda layers: found.wrong(layers, found.test),
        [compressibility.kept_count(weights(problem.n), share) for share in KEPT],
        BITS,
        DELTA,
    )
    columns = [tails(found.layers[place]) for place in LAYERS.values()]
    row |= {name: jnp.stack([c[name] for c in columns]) for name in columns[0]}
    row["dense_test_error"] = jnp.mean(found.wrong(found.layers, found.test), dtype=float)
    row["majority"] = jnp.max(jnp.mean(found.train[1], axis=0, dtype=float))
    return {name: jnp.where(found.diverged, jnp.nan, value) for name, value in row.items()}


def tails(layer):
    """Exponents of the entries and of the spectrum of a layer, and its stable rank."""
    squares = linalg.singular_values(layer) ** 2
    fit = power_law.fit(jnp.ravel(jnp.abs(layer)))
    return dict(
        entry_index=jnp.where(fit.failed, jnp.nan, fit.tail_index),
        entry_index_error=fit.tail_index_error,
        spectral_index=extreme.hill(squares, len(squares) // 2).value,
        stable_rank=jnp.sum(squares) / squares[0],
    )


def findings(samples):
    """The least bound and what belongs to it, and the exponents of the layers, by noise and width; and what noise adds."""
    here, stated = samples.isel(steps=-1), {}
    for width in here["width"].values.tolist():
        for noise in here["noise"].values.tolist():
            words = f"{NOISES.get(noise, noise)}, width {width}"
            stated |= _stated(here.sel(noise=noise, width=width), words)
        both = here["best"].sel(width=width, noise=[here["noise"].values[0], here["noise"].values[-1]])
        if here.sizes["noise"] > 1:
            stated[f"least bound with noise less that without, width {width}"] = estimates.mean(both[-1] - both[0])
    return stated


def _stated(here, words):
    below, whole = (here["best"] < 1 - here["majority"]).astype(float), here.sel(kept=KEPT[-1])
    found = {
        f"least bound, {words}": estimates.mean(here["best"]),
        f"share kept at the least bound, {words}": estimates.mean(here["best_kept"]),
        f"test error at the least bound, {words}": estimates.mean(here["best_test_error"]),
        f"the same bound if positions were free, {words}": estimates.mean(here["best_values_only"]),
        f"share of runs whose least bound beats the most frequent label, {words}": estimates.mean(below),
        f"test error before pruning, {words}": estimates.mean(here["dense_test_error"]),
        f"test error with every weight kept and rounded, {words}": estimates.mean(whole["test_error"]),
        f"bits of the size of a value with every weight kept, {words}": estimates.mean(whole["value_bits"]),
    }
    for layer in LAYERS:
        for metric, name in OF_LAYERS.items():
            values = here[metric].sel(layer=layer)
            found[f"{name}, {layer} layer, {words}"] = estimates.estimate(np.median, values)
    return found


EXPERIMENT = Experiment(
    "bound_along_pruning",
    axes=dict(noise=list(NOISES), width=[8, 16, 64], steps=[2000]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(kept=KEPT, layer=list(LAYERS)),
    dims={
        **{name: ["kept"] for name in CURVES},
        **{name: ["layer"] for name in (*OF_LAYERS, "entry_index_error")},
    },
    seeds=20,
    share=("noise",),
    block=5,
    smoke=dict(width=[16], steps=[200], seeds=8),
    metrics=[
        Metric("bound", "Occam-kl bound of the pruned and rounded network, every cost paid"),
        Metric("train_error", "error of the pruned and rounded network on the training samples"),
        Metric("test_error", "error of the same on test samples"),
        Metric("nats", "code length of the same", unit="nats"),
        Metric("value_bits", "bits of a value beside its sign that give the least bound", unit="bits"),
        Metric("best", "least bound over kept shares and bits"),
        Metric("best_kept", "share of the weights kept at the least bound"),
        Metric("best_test_error", "test error at the least bound"),
        Metric("best_values_only", "bound at the same weights if their positions were free: not valid"),
        Metric("excess", "error on all samples less the least bound: above 0 the bound has failed"),
        Metric("unpaid_excess", "the same for the bound of a classifier fixed before the data"),
        Metric("dense_test_error", "test error of the network before it is pruned and rounded"),
        Metric("majority", "share of the most frequent label"),
        Metric("entry_index", "tail index of a power law fitted to a layer's entries"),
        Metric("entry_index_error", "its standard error, the fitted range taken as given"),
        Metric("spectral_index", "tail index of the squared singular values by Hill's estimate"),
        Metric("stable_rank", "squared Frobenius norm over squared operator norm of a layer"),
    ],
    describe="bound, training and test error of trained networks along their pruning curve, with the exponents of their layers",
)
