"""Exact and simplified optimum of four ReLU neurons against the number of neurons of a random target, in few and many inputs.

The rows of a narrower target are the first of a wider one. In a fixed number of inputs the simplified optimum meets its limit
like 1/n, the exact one only like n^(-1/2): it turns to where the target happens to be largest.
Source: guide/two_layer.md, Targets of finite width.
"""

import itertools

import jax

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import Compression
from jaxprune.simulate.two_layer import Schedule, nested
from jaxprune.sweep import Experiment

NEURONS, RESTARTS = 4, 2
WIDTHS = [8, 16, 32, 64, 128, 256, 512]
PLAN = Schedule(adam=60, newton=32, inner=16)
METRICS = (
    Metric("gap", "simplified less exact optimum", unit="f^2"),
    Metric("limit_gap", "the same of infinitely many isotropic rows of mean 1"),
    Metric("success", "fraction of random starts within a thousandth of the best optimum"),
    Metric("spread", "loss of the worst start less that of the best", unit="f^2"),
    Metric("square_slope", "square of the target's slope", unit="f^2"),
    Metric("nearest", "mean over neurons of the largest cosine to a neuron of the target"),
)


def make(rows, dim):
    return Compression(dim=dim, width=WIDTHS[-1], neurons=NEURONS, rows=rows, restarts=RESTARTS)


def trial(key, problem):
    draw, many = jax.random.split(key)
    found = nested.nested(draw, problem, WIDTHS, PLAN)
    return {**found, "limit_gap": nested.limit_gap(many, problem.dim, problem.neurons)}


def findings(samples):
    """Exponents of n of the gap, and of its distance to the limit where n is large; how sure the optima are."""
    stated, sizes = {}, samples["n"].values
    for dim, rows in itertools.product(samples["dim"].values, samples["rows"].values):
        here = samples.sel(rows=rows, dim=dim)
        relative = (here["gap"] / here["mean"] ** 2).transpose("n", "seed")
        for words, values, used in (
            ("gap, n <= d", relative, sizes <= dim),
            ("gap beyond its limit, n >= d", relative - here["limit_gap"], sizes >= dim),
        ):
            if sum(used) >= estimates.SIZES:
                chosen = values.transpose("n", "seed").values[used]
                stated[f"exponent of n of the {words}, {rows}, d = {dim}"] = estimates.exponent(
                    sizes[used], *chosen, paired=True
                )
    for dim in samples["dim"].values:
        here = samples.sel(dim=dim)
        stated[f"starts that reach the optimum, d = {dim}"] = estimates.mean(here["success"].mean(["rows", "n"]))
        stated[f"largest loss of a start, of the gap, d = {dim}"] = estimates.estimate(
            lambda x: x.max(), (here["spread"] / here["gap"]).max(["rows", "n"]).values
        )
    return stated


EXPERIMENT = Experiment(
    "simplification",
    axes=dict(rows=["gaussian", "rademacher"], dim=[16, 64, 256]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(n=WIDTHS),
    metrics=METRICS,
    seeds=40,
    block=10,
    smoke=dict(rows=["gaussian"], dim=[16], seeds=10),
    describe="exact, simplified and equiangular optimum of four ReLU neurons against the width of a random target",
)
