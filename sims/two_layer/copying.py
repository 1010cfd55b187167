"""From copying to averaging: four ReLU neurons against random targets of five to 256 neurons, Gaussian rows.

Where the target is hardly wider than the network, the optimum copies some of its rows and averages others; where it is much
wider, the optimum is a cone that only knows the target's mean and slope, whose value is the simplified optimum.
Source: guide/two_layer.md, Targets of finite width.
"""

import numpy as np

from jaxprune.judge import crossing, estimates
from jaxprune.problems import Compression
from jaxprune.simulate.two_layer import nested
from jaxprune.sweep import Experiment
from sims.two_layer.simplification import METRICS, PLAN

NEURONS, RESTARTS = 4, 8
WIDTHS = [5, 6, 8, 12, 16, 24, 32, 64, 128, 256]
WITHIN = 0.1  # of the cone's loss
LEFT_OUT = ("limit_gap",)


def make(dim):
    return Compression(dim=dim, width=WIDTHS[-1], neurons=NEURONS, rows="gaussian", restarts=RESTARTS)


def trial(key, problem):
    return nested.nested(key, problem, WIDTHS, PLAN)


def findings(samples):
    """Where the loss is within a tenth of the cone's, how much of the optimum is copied, and how sure the optimum is."""
    sizes, stated = samples["n"].values, {}
    for dim in samples["dim"].values:
        here = samples.sel(dim=dim).transpose("seed", "n")
        short = (here["loss"] - (1 - WITHIN) * here["simplified_loss"]).values
        try:
            found = crossing(np.log(sizes / NEURONS), short, seed=0)
        except ValueError:  # it lies beyond these widths
            continue
        place = float(np.exp(found.place))
        stated[f"n/M from which the loss is within {WITHIN:g} of the cone's, d = {dim}"] = estimates.Finding(
            place, place * found.error
        )
    for dim in samples["dim"].values:
        here = samples.sel(dim=dim)
        for n in (sizes[0], sizes[-1]):
            stated[f"largest cosine to a target row, d = {dim}, n = {n}"] = estimates.mean(here["nearest"].sel(n=n))
            stated[f"starts that reach the optimum, d = {dim}, n = {n}"] = estimates.mean(here["success"].sel(n=n))
    return stated


EXPERIMENT = Experiment(
    "copying",
    axes=dict(dim=[20, 60]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(n=WIDTHS),
    metrics=[m for m in METRICS if m.name not in LEFT_OUT],
    seeds=40,
    block=10,
    smoke=dict(dim=[20], seeds=10),
    describe="four ReLU neurons against a random target of 5 to 256 neurons: where its rows are copied, where averaged",
)
