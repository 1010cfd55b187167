"""How stable random networks are to noise: cushions of heavy-tailed and light-tailed layers, minima against quantiles.

A theorem takes minima over samples. Where weights are heavy-tailed these are far below what a typical sample has, and the count
of numbers that follows is astronomical; with a quantile it is smaller, and the outliers are added to the error. Weights are
symmetric stable, or Student's t from an index of 2 on. Source: guide/bounds.md, Cushions.
"""

import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import Cushions
from jaxprune.simulate.bounds import cushions
from jaxprune.sweep import Experiment

QUANTILES = [0.0, 0.01, 0.05, 0.5]
LAYERS = [1, 2, 3]


def make(tail_index):
    family = "stable" if tail_index < 2 else "Student"
    return Cushions(tail_index=tail_index, dim=64, width=64, samples=300, depth=len(LAYERS), family=family)


def trial(key, problem):
    return cushions.trial(key, problem, QUANTILES)


def findings(samples):
    """The spread of the first layer's cushions, and how far minima lie below medians, by tail index."""
    stated = {}
    for index in samples["tail_index"].values.tolist():
        here, words = samples.sel(tail_index=index), f"alpha {index:g}"
        stated[f"variance over samples of n mu^2, {words}"] = estimates.mean(here["layer_variance"])
        first = here["layer"].sel(depth=1).transpose("seed", "quantile").values
        stated[f"median over least cushion of the first layer, {words}"] = estimates.estimate(
            lambda x: np.median(x[:, -1] / x[:, 0]), first
        )
        numbers = here["log_parameters"].transpose("seed", "quantile").values / np.log(10)
        for place, name in ((0, "minima"), (2, "5 % quantiles")):
            stated[f"log10 of numbers by {name}, {words}"] = estimates.estimate(np.median, numbers[:, place])
        stated[f"dead samples, {words}"] = estimates.mean(here["dead"])
    return stated


EXPERIMENT = Experiment(
    "cushions",
    axes=dict(tail_index=[0.8, 1.2, 1.6, 3.0, 10.0]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(quantile=QUANTILES, depth=LAYERS),
    dims=dict(layer=["quantile", "depth"], interlayer=["quantile", "depth"]),
    seeds=20,
    block=5,
    smoke=dict(tail_index=[1.2, 10.0], seeds=10),
    describe="cushions of random networks with heavy-tailed and light-tailed weights: minima against quantiles",
)
