"""Stable rank against the fitted power-law exponent of the entries: independent entries, and layers of trained networks.

The released figure of Shin's code plots one against the other over the last layers of networks, and draws a mixture of two
linear regressions through the points (EM of at most 100 iterations, regularisation 0.01, from a random start). Here the points
are square Pareto matrices of known tail index, and the first layers of networks that learn digits, with heavy-tailed noise and
without. For independent entries theory says 2/(2 - alpha) below 2.

Independent entries follow that curve as long as the tail is heavy; near 2 matrices of this size have less. Trained layers do
not lie on it: their entries are fitted with indices above 2, for which it says nothing, and their stable ranks are below those
of independent entries with such indices. Heavier noise gives lower indices and lower stable ranks. A mixture depends on its
start: from half of twenty one of the lines is left without points, which is no mixture; the others agree.
Source: guide/matrices.md, Stable rank.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Finding, Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix, HeavyTailedSGD, Labelled
from jaxprune.simulate import linalg, matrices, stable
from jaxprune.simulate.matrices import mixture
from jaxprune.simulate.sgd import trained_network
from jaxprune.simulate.tails import power_law
from jaxprune.sweep import Experiment
from sims.compression.released_split import images

INDICES = {f"alpha {alpha:g}": alpha for alpha in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.5, 3.5)}
TRAINED = {"no noise": 0.0, "weak noise": 5e-4, "noise": 2e-3}  # and its strength


def make(matrix, n, steps):
    if matrix in INDICES:
        return HeavyTailedMatrix(INDICES[matrix], n, n)
    data = Labelled(*images(), n=1347)
    return HeavyTailedSGD(
        data, alpha=stable.index(1.5), sigma=TRAINED[matrix], step_size=0.3, n=n, steps=steps, batch=32, noise="II"
    )


def trial(key, problem):
    if isinstance(problem, HeavyTailedMatrix):
        layer, lost = matrices.draw(key, problem).matrix, False
    else:
        found = trained_network.trained(problem, key)
        layer, lost = found.layers[0], found.diverged
    fit = power_law.fit(jnp.ravel(jnp.abs(layer)))
    squares = linalg.singular_values(layer / jnp.max(jnp.abs(layer))) ** 2
    row = dict(
        stable_rank=jnp.sum(squares) / squares[0],
        energy_over_largest=jnp.sum(squares),
        entry_index=jnp.where(fit.failed, jnp.nan, fit.tail_index),
    )
    return {name: jnp.where(lost, jnp.nan, value) for name, value in row.items()}


def lines(samples, which):
    """The mixtures of two regressions of the stable rank on the fitted pdf exponent, over all seeds of some of the matrices, by
    start; None without six such points."""
    here = samples.isel(n=-1, steps=-1).sel(matrix=[m for m in samples["matrix"].values.tolist() if m in which])
    x, y = 1 + np.ravel(here["entry_index"]), np.ravel(here["stable_rank"])
    good = np.isfinite(x) & np.isfinite(y)
    return mixture.fit(jax.random.key(0), x[good], y[good]) if good.sum() >= 6 else None


def findings(samples):
    """Means of stable ranks, medians of fitted indices; and slopes of the mixture of two regressions, with what they differ by
    from start to start, which is no standard error."""
    here, stated = samples.isel(n=-1, steps=-1), {}
    for matrix in here["matrix"].values.tolist():
        one = here.sel(matrix=matrix)
        stated[f"stable rank, {matrix}"] = estimates.mean(one["stable_rank"])
        stated[f"fitted tail index, {matrix}"] = estimates.estimate(np.median, one["entry_index"])
    for words, which in {"independent entries": INDICES, "trained layers": TRAINED}.items():
        found = lines(samples, which)
        if found is None or np.all(found.failed > 0):
            continue
        stated[f"starts of 20 without a fit, {words}"] = Finding(int(np.sum(found.failed > 0)))
        for place, name in enumerate(("flatter", "steeper")):
            stated[f"slope of the {name} line, best start, {words}"] = Finding(float(found.lines[0, place, 1]))
            stated[f"spread of it over starts, {words}"] = Finding(round(float(found.spread[place]), 6))
    return stated


EXPERIMENT = Experiment(
    "stable_rank",
    axes=dict(matrix=[*INDICES, *TRAINED], n=[64], steps=[1000]),
    make=make,
    trial=trial,
    findings=findings,
    seeds=40,
    block=10,
    smoke=dict(matrix=["alpha 0.75", "alpha 1.5", "no noise"], n=[16], steps=[100], seeds=10),
    metrics=[
        Metric("stable_rank", "squared Frobenius norm over squared operator norm"),
        Metric("energy_over_largest", "squared Frobenius norm over the square of the largest entry"),
        Metric("entry_index", "tail index of a power law fitted to the entries"),
    ],
    describe="stable rank against the fitted exponent of the entries, of independent entries and of trained layers",
)
