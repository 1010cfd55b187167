"""Targets with heavy-tailed rows or outputs: does the simplification fail, and is copying the largest neurons better?

Entries of rows are Student's t with ``tail_index`` degrees of freedom and outputs are 1, or rows are Gaussian and outputs are 1
plus Student's t. What is compared is the loss over the target's own norm, by medians: means need not exist. At an index
below 1 the largest neurons hold a share of the target that does not fall with its width; beyond that nothing is proved, and all
here is simulation. Source: guide/two_layer.md, Heavy-tailed targets.
"""

import numpy as np

from jaxprune.contracts import Finding, Metric
from jaxprune.judge import crossing, estimates
from jaxprune.problems import Compression
from jaxprune.simulate.two_layer import Schedule, rivals
from jaxprune.sweep import Experiment

DIM, NEURONS, RESTARTS = 20, 4, 4
WIDTHS = [16, 64, 256]
PLAN = Schedule(adam=60, newton=24, inner=16)
METRICS = (
    Metric("simplified", "loss of the simplified optimum over the target's norm"),
    Metric("simplified_refit", "the same with the best gains"),
    Metric("largest", "loss of the largest neurons with the best gains over the target's norm"),
    Metric("optimum", "smallest loss found over the target's norm"),
    Metric("from_random", "smallest loss of descents from random starts over the target's norm"),
    Metric("share", "of the gains that the largest neurons hold"),
)


def make(heavy, tail_index):
    if heavy not in ("rows", "outputs"):
        raise ValueError(f"heavy: {heavy!r} is unknown; use 'rows' or 'outputs'")
    laws = (
        dict(rows="student", outputs="constant") if heavy == "rows" else dict(rows="gaussian", outputs="student", signs="free")
    )
    return Compression(
        dim=DIM, width=WIDTHS[-1], neurons=NEURONS, restarts=RESTARTS, tail_index=tail_index, scaling="mean", **laws
    )


def trial(key, problem):
    return rivals.rivals(key, problem, WIDTHS, PLAN)


def findings(samples):
    """The index at which the largest neurons are as good as the simplified optimum, in the median, and what both lose where
    tails are heaviest."""
    stated = {}
    for heavy in samples["heavy"].values:
        for n in samples["n"].values:
            here, words = samples.sel(heavy=heavy, n=n), f"heavy {heavy}, n/M = {n / NEURONS:g}, d = {DIM}"
            for rival, how in (("simplified", ""), ("simplified_refit", ", both with the best gains")):
                found = switch(here, rival)
                if found is not None:
                    stated[f"index at which copying is as good as simplifying{how}, {words}"] = found
            last = here.isel(tail_index=0)
            for rival in ("largest", "simplified"):
                ratio = np.log10(last[rival] / last["optimum"]).values
                name = f"log10 of loss over the optimum's, {rival}, index {float(last['tail_index']):g}, {words}"
                stated[name] = estimates.estimate(np.median, ratio)
    return stated


def switch(here, rival):
    """The tail index below which copying wins in half of the draws, or None where that is not among the samples."""
    wins = np.sign((here["largest"] - here[rival]).transpose("seed", "tail_index").values)
    try:
        found = crossing(here["tail_index"].values, wins, seed=0)
    except ValueError:
        return None
    return Finding(found.place, found.error)


EXPERIMENT = Experiment(
    "heavy_tailed_targets",
    axes=dict(heavy=["rows", "outputs"], tail_index=[0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(n=WIDTHS),
    metrics=METRICS,
    seeds=80,
    block=20,
    smoke=dict(heavy=["rows"], tail_index=[0.4, 0.8, 1.5, 3.0], seeds=20),
    describe="targets with heavy-tailed rows or outputs: simplified optimum, largest neurons and exact optimum",
)
