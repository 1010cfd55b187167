"""Random heavy-tailed classifiers, compressed to few entries: bound, training and test error against the entries kept.

All layers keep as many entries, by size or by size times the root mean square of their input, with four bits each. A bound
says something when it is below the error of the most frequent label. Source: guide/bounds.md, Planted networks.
"""

import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import PlantedNetwork
from jaxprune.simulate.bounds import planted
from jaxprune.sweep import Experiment

DIM, WIDTH, SAMPLES = 100, 100, 20_000
BELOW = "share of networks whose least bound beats the most frequent label"
KEPT = [3, 10, 20, 40, 70, 100, 200, 400, 1000]


def make(tail_index, activation, score):
    return PlantedNetwork(
        tail_index=tail_index, dim=DIM, width=WIDTH, samples=SAMPLES, depth=2, tests=2000, activation=activation, score=score
    )


def trial(key, problem):
    return planted.trial(key, problem, KEPT)


def findings(samples):
    """The least bound and its entries, how much of the bound is not needed, and where it is below what the most frequent
    label does."""
    stated = {}
    for activation in samples["activation"].values.tolist():
        for score in samples["score"].values.tolist():
            for index in samples["tail_index"].values.tolist():
                here = samples.sel(activation=activation, score=score, tail_index=index)
                words = f"{activation}, {score}, alpha {index:g}"
                stated[f"least bound, {words}"] = estimates.mean(here["best"])
                stated[f"entries of a layer at the least bound, {words}"] = estimates.estimate(np.median, here["best_kept"])
                below = (here["best"] < 1 - here["majority"]).astype(float)
                stated[f"{BELOW}, {words}"] = estimates.mean(below)
    return stated


EXPERIMENT = Experiment(
    "planted_networks",
    axes=dict(tail_index=[0.8, 1.2, 1.8], activation=["relu", "linear"], score=["magnitude", "activation"]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(kept=KEPT),
    share=("score",),
    seeds=10,
    block=5,
    smoke=dict(tail_index=[1.2], activation=["relu"], score=["activation"], seeds=8),
    describe="bounds of random heavy-tailed networks against the entries kept of every layer, by two scores",
)
