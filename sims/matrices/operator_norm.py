"""Operator norms of heavy-tailed matrices against the largest entry, and against a spike of its size on the bulk of the others.

Frechet's law of the norm is slow above tail index 2, where the bulk counts (guide/matrices.md, Operator norm).
"""

import jax
import jax.numpy as jnp

from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import matrices
from jaxprune.sweep import Experiment

STEPS = 100


def make(tail_index, n):
    return HeavyTailedMatrix(tail_index, n, n)


def trial(key, problem):
    entries, start = jax.random.split(key)
    matrix, log_largest = matrices.draw(entries, problem)
    norm, residual = matrices.operator_norm(start, matrix, STEPS)
    variance = (jnp.sum(matrix**2) - 1) / (problem.size - 1)  # of the others; the largest is 1
    spike = jnp.sqrt((1 + problem.rows * variance) * (1 + problem.columns * variance))
    bulk = jnp.sqrt(variance) * (problem.rows**0.5 + problem.columns**0.5)
    apart = problem.size * variance**2 < 1
    return {
        "norm_over_largest": norm,
        "norm_over_spike": norm / jnp.where(apart, spike, bulk),
        "log_norm": jnp.log(norm) + log_largest,
        "norm_residual": residual,
    }


def findings(samples):
    """Means of both ratios."""
    stated = {}
    for alpha in samples["tail_index"].values:
        for n in samples["n"].values:
            for metric, words in (("norm_over_largest", "largest entry"), ("norm_over_spike", "spike")):
                values = samples[metric].sel(tail_index=alpha, n=n, drop=True)
                stated[f"norm over {words}, tail index {alpha:g}, n = {n}"] = estimates.mean(values)
    return stated


EXPERIMENT = Experiment(
    "operator_norm",
    axes=dict(tail_index=[1.0, 2.5, 3.0, 3.5], n=[50, 100, 200]),
    make=make,
    trial=trial,
    findings=findings,
    seeds=200,
    block=25,
    smoke=dict(n=[50], seeds=25),
    describe="operator norms of heavy-tailed matrices over their largest entry, and over that of a spike on a bulk",
)
