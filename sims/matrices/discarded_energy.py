"""Energy beyond the largest entries of heavy-tailed matrices: below tail index 2 a fixed number carries any size.

Pareto and stable entries meet their exact means, all laws the same limit (guide/matrices.md, Shares, Finite matrices).
"""

import jax.numpy as jnp

from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import compression, matrices
from jaxprune.sweep import Experiment

KEPT = [1, 2, 5, 10, 20, 50, 100, 200, 500]
RISING = [5, 10, 20, 50, 100]  # counts from which the exponent is read


def make(law, tail_index, n):
    if n * n < KEPT[-1]:
        raise ValueError(f"n: {n} x {n} matrices have no {KEPT[-1]} entries to keep; use {int(KEPT[-1] ** 0.5) + 1} or more")
    return HeavyTailedMatrix(tail_index, n, n, law)


def trial(key, problem):
    matrix = matrices.draw(key, problem).matrix
    return {
        "discarded": matrices.discarded(matrix)[jnp.array(KEPT)],
        "entry_participation": compression.compressibility.participation(jnp.ravel(matrix)),
    }


def findings(samples):
    """Exponents in the number kept, of the largest matrices; and how far the other laws are from Pareto's at 20 kept."""
    here, stated = samples["discarded"].sel(n=samples["n"].max()), {}
    for law in samples["law"].values:
        for alpha in samples["tail_index"].values:
            one = here.sel(law=law, tail_index=alpha)
            shares = one.sel(kept=RISING).transpose("kept", "seed").values
            stated[f"exponent of s, {law}, tail index {alpha:g}"] = estimates.exponent(RISING, *shares, paired=True)
            stated[f"discarded beyond 20, {law}, tail index {alpha:g}"] = estimates.mean(one.sel(kept=20, drop=True))
    return stated


EXPERIMENT = Experiment(
    "discarded_energy",
    axes=dict(law=["pareto", "stable", "student"], tail_index=[0.8, 1.2, 1.6], n=[30, 100]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(kept=KEPT),
    seeds=200,
    block=50,
    smoke=dict(law=["pareto"], n=[30], seeds=50),
    describe="share of the energy beyond the largest entries of heavy-tailed matrices against how many are kept",
)
