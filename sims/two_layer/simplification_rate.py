"""How the simplification's error falls with the number n of inputs, targets of 32 n neurons: like 1/n.

The gap between exact and simplified optimum, and the largest error per gain of any neuron, against the edge of Marchenko and
Pastur's law. Both optima of any sub-Gaussian rows meet the simplex's value. Source: guide/two_layer.md, Uniform error.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import Compression
from jaxprune.simulate.two_layer import nested
from jaxprune.sweep import Experiment
from sims.two_layer.simplification import METRICS, PLAN

NEURONS, RESTARTS = 4, 2
INPUTS, RATIO = [8, 16, 32, 64], [32.0]  # n, and neurons of the target per input
LEFT_OUT = ("limit_gap",)


def make(rows):
    return Compression(dim=INPUTS[-1], width=round(RATIO[-1] * INPUTS[-1]), neurons=NEURONS, rows=rows, restarts=RESTARTS)


def trial(key, problem):
    found = []
    for ratio in RATIO:
        for place, dim in enumerate(INPUTS):
            width = round(ratio * dim)
            small = dataclasses.replace(problem, dim=dim, width=width)
            found.append(nested.nested(jax.random.fold_in(key, place), small, [width], PLAN))
    shape = len(RATIO), len(INPUTS)
    return jax.tree.map(lambda *values: jnp.stack(values).reshape(shape), *found)


def findings(samples):
    """Exponents of the gap and of the largest error in n, and that error over its limit."""
    stated, sizes = {}, samples["n"].values
    for rows in samples["rows"].values:
        here = samples.sel(rows=rows, ratio=RATIO[-1])
        gap = (here["gap"] / here["mean"] ** 2).transpose("n", "seed").values
        stated[f"exponent of n of the gap, {rows}"] = estimates.exponent(sizes, *gap)
        error = here["uniform_error"].transpose("n", "seed").values
        stated[f"exponent of n of the largest error, {rows}"] = estimates.exponent(sizes, *error)
        for n, values in zip(sizes, error, strict=True):
            stated[f"largest error over its limit, {rows}, n = {n}"] = estimates.mean(values / edge(n, RATIO[-1] * n))
    return stated


def edge(dim, width):
    """The largest error per gain in the limit of many inputs and neurons, (dim^-1/2 + width^-1/2)^2 / (4 pi)."""
    return (dim**-0.5 + width**-0.5) ** 2 / (4 * np.pi)


EXPERIMENT = Experiment(
    "simplification_rate",
    axes=dict(rows=["gaussian", "rademacher"]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(ratio=RATIO, n=INPUTS),
    metrics=[m for m in METRICS if m.name not in LEFT_OUT],
    seeds=20,
    block=10,
    smoke=dict(rows=["gaussian"], seeds=8),
    describe="error of the simplified optimum against the number of inputs, targets of 32 neurons an input",
)
