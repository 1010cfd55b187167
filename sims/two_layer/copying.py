"""From copying to averaging: four ReLU neurons against random targets of five to 256 neurons, Gaussian rows.

Where the target is hardly wider than the network, the optimum copies some of its rows and averages others; where it is much
wider, the optimum lies like the cone of the target's mean and slope, the simplified optimum. Its loss stays below in few
inputs, also for infinitely many neurons.
Source: guide/two_layer.md, Targets of finite width.
"""

import numpy as np

from jaxprune.contracts import Finding
from jaxprune.judge import crossing, estimates
from jaxprune.problems import Compression
from jaxprune.simulate.two_layer import nested
from jaxprune.sweep import Experiment
from sims.two_layer.simplification import METRICS, PLAN

NEURONS, RESTARTS = 4, 8
WIDTHS = [5, 6, 8, 12, 16, 24, 32, 64, 128, 256]
PARTS, WITHIN = [0.5, 0.9], 0.1  # of the cone's loss, of the simplex's cosine
LEFT_OUT = ("limit_gap",)


def make(dim):
    return Compression(dim=dim, width=WIDTHS[-1], neurons=NEURONS, rows="gaussian", restarts=RESTARTS)


def trial(key, problem):
    return nested.nested(key, problem, WIDTHS, PLAN)


def findings(samples):
    """Where the loss is half of the cone's and within a tenth of it, where cosines are within a tenth of the simplex's, what is
    left at the ends, how much is copied there, and how sure the optimum is. What lies beyond these widths is left out."""
    sizes, stated = samples["n"].values, {}
    for dim in samples["dim"].values:
        here = samples.sel(dim=dim).transpose("seed", "n")
        levels = {f"the loss is {part:g} of the cone's": here["loss"] - part * here["simplified_loss"] for part in PARTS}
        closed = here["simplified_cosine"] - here["cosine"] - WITHIN / (NEURONS - 1)
        levels[f"the cosine is within {WITHIN:g}/(M-1) of the cone's"] = closed
        for words, values in levels.items():
            found = place(sizes / NEURONS, values.values)
            if found is not None:
                stated[f"n/M from which {words}, d = {dim}"] = found
        for n in (sizes[0], sizes[-1]):
            one, words = here.sel(n=n), f"d = {dim}, n/M = {n / NEURONS:g}"
            stated[f"loss over the cone's, {words}"] = estimates.mean(one["loss"] / one["simplified_loss"])
            stated[f"largest cosine to a target row, {words}"] = estimates.mean(one["nearest"])
            stated[f"starts that reach the optimum, {words}"] = estimates.mean(one["success"])
    return stated


def place(ratio, differences):
    """The ratio at which the mean of ``differences`` (seeds, ratios) changes sign, or None where it does not."""
    try:
        found = crossing(np.log(ratio), differences, seed=0)
    except ValueError:
        return None
    return Finding(float(np.exp(found.place)), float(np.exp(found.place) * found.error))


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
