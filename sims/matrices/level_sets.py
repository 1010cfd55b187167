"""Levels of stable entries: how many lie in each, how often one holds as many as it may (guide/matrices.md, Level sets).

At the numbers of the companion code of Shin's paper: 64 entries, levels (c^(i-1), c^i] with c = 1.3, i = 1 .. 5.
"""

import jax.numpy as jnp

from jaxprune.judge import estimates
from jaxprune.problems import LevelSets
from jaxprune.simulate import matrices
from jaxprune.sweep import Experiment

LEVEL = [1, 2, 3, 4, 5]


def make(tail_index, entries):
    return LevelSets(tail_index, entries, len(LEVEL))


def trial(key, problem):
    counts = matrices.level_counts(key, problem)
    allowed = jnp.asarray(problem.base) ** (problem.levels - jnp.arange(1, problem.levels + 1))
    return {
        "in_level": jnp.mean(counts, axis=0) / problem.entries,
        "full_level": jnp.mean(counts >= allowed * (1 - 1e-12), axis=0),  # the last level may hold 1, in any precision
    }


def findings(samples):
    """Chances that the first and the last level are full, of 64 entries, or the most."""
    here, stated = samples["full_level"].sel(entries=samples["entries"].max()), {}
    for alpha in samples["tail_index"].values:
        for level in (LEVEL[0], LEVEL[-1]):
            one = here.sel(tail_index=alpha, level=level).reset_coords(drop=True)
            stated[f"share of matrices whose level {level} is full, tail index {alpha:g}"] = estimates.mean(one)
    return stated


EXPERIMENT = Experiment(
    "level_sets",
    axes=dict(tail_index=[0.5, 1.0, 1.5, 1.9], entries=[16, 64]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(level=LEVEL),
    seeds=100,
    block=50,
    smoke=dict(tail_index=[1.0], entries=[64], seeds=50),
    describe="entries of stable matrices by level, and the chance that a level holds as many as it may",
)
