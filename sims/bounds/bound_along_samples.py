"""From how many samples on a bound of a compressed heavy-tailed network says something, with every cost of its code.

A random network of two layers labels Gaussian inputs; both layers keep as many of their largest entries, four bits each, as
make the Occam-kl bound least. Sets of samples are nested. At tail index 0.8 the bound is below what guessing does, 0.9, from
about 500 samples on, and below the error of always giving the most frequent label from 4,000; at 1.8 it takes 1,600 and 18,000.
Source: guide/bounds.md, Planted networks.
"""

import numpy as np

from jaxprune.contracts import Finding, Metric
from jaxprune.judge import crossing, estimates
from jaxprune.problems import PlantedNetwork
from jaxprune.simulate.bounds import planted_samples
from jaxprune.sweep import Experiment

SAMPLES = [200, 400, 1000, 2000, 5000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
KEPT = [3, 10, 20, 40, 70, 100, 200, 400, 900]
DIM, WIDTH, CLASSES = 50, 50, 10


def make(tail_index):
    return PlantedNetwork(tail_index=tail_index, dim=DIM, width=WIDTH, classes=CLASSES, samples=SAMPLES[-1])


def trial(key, problem):
    return planted_samples.trial(key, problem, KEPT, SAMPLES)


def findings(samples):
    """The least bound at some numbers of samples, and the numbers from which it is below what guessing, and the most frequent
    label, do; left out where the mean does not cross within the samples."""
    stated = {}
    for index in samples["tail_index"].values.tolist():
        here, words = samples.sel(tail_index=index), f"alpha {index:g}"
        for count in (1000, 10_000, 1_000_000):
            stated[f"least bound of {count} samples, {words}"] = estimates.mean(here["best"].sel(samples=count))
        levels = {"guessing": 1 - 1 / CLASSES, "the most frequent label": 1 - here["majority"]}
        for name, level in levels.items():
            if (found := _crossing(here["best"] - level)) is not None:
                stated[f"log10 of the samples from which the least bound is below {name}, {words}"] = found
    return stated


def _crossing(excess):
    try:
        found = crossing(np.log10(SAMPLES), excess.transpose("seed", "samples").values, seed=0)
    except ValueError:  # below from the first, or never
        return None
    return Finding(found.place, found.error)


EXPERIMENT = Experiment(
    "bound_along_samples",
    axes=dict(tail_index=[0.8, 1.2, 1.8]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(samples=SAMPLES, kept=KEPT),
    dims=dict(
        best=["samples"], best_kept=["samples"], best_values_only=["samples"], best_test_error=["samples"], test_error=["kept"]
    ),
    seeds=10,
    block=5,
    precision="float32",
    smoke=dict(tail_index=[1.2], seeds=8),
    metrics=[
        Metric("best_test_error", "test error at the least bound"),
        Metric("best_values_only", "bound at the same entries if their positions were free: not valid"),
    ],
    describe="least bound of compressed heavy-tailed networks against the number of samples",
)
