"""More neurons than dimensions: the best of many random starts against a target without a slope, nonnegative outputs.

Where lines that attain a lower bound can be centred, random starts find them; elsewhere what they find lies above the bound.
Source: guide/two_layer.md, More neurons than dimensions.
"""

import re

import numpy as np

from jaxprune.contracts import Finding
from jaxprune.judge import estimates
from jaxprune.problems import Isotropic
from jaxprune.simulate.two_layer import isotropic, optimise
from jaxprune.sweep import Experiment

RESTARTS = 32
SAME = optimise.SAME


def size(cell):
    """Dimension and neurons of a cell, such as "5, 10"."""
    found = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", cell)
    if found is None:
        raise ValueError(f"cell: {cell!r} is no dimension and number of neurons; write them as '5, 10'")
    return int(found[1]), int(found[2])


def make(cell):
    return Isotropic(*size(cell), restarts=RESTARTS)


def trial(key, problem):
    return isotropic.trial(key, problem)


def reached(point):
    """The share of starts of every seed (seeds,) that reach the smallest loss of all seeds."""
    loss, success = point["loss"].values, point["success"].values
    return np.where(loss <= np.nanmin(loss) + SAME, success, 0.0)


def findings(samples):
    """The smallest loss of each cell, the share of starts that reach it, and the smallest eigenvalue at the optima."""
    stated, flattest = {}, []
    for cell in samples["cell"].values.tolist():
        point = samples.sel(cell=cell)
        words = "d = {}, M = {}".format(*size(cell))
        stated[f"smallest loss, {words}"] = Finding(point["loss"].min())
        stated[f"starts that reach it, {words}"] = estimates.mean(reached(point))
        best = point.isel(seed=int(np.nanargmin(point["loss"].values)))
        flattest.append((float(best["curvature"]), float(best["curvature_error"])))
    stated["smallest eigenvalue of all Hessians, rotations left out"] = Finding(*min(flattest))
    return stated


EXPERIMENT = Experiment(
    "many_neurons",
    axes=dict(
        cell=["2, 4", "2, 5", "2, 6", "3, 5", "3, 6", "4, 8", "4, 12", "5, 10", "6, 16", "7, 14", "7, 28", "10, 16"],
    ),
    make=make,
    trial=trial,
    findings=findings,
    seeds=20,
    block=20,
    smoke=dict(cell=["5, 10"], seeds=8),
    describe="best networks of more neurons than dimensions, with the lower bound and who attains it",
)
