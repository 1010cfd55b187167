"""Eigenvalues of A'A: the largest are the squares of the largest entries below tail index 2, and are not above it.

``tail_exponent`` is a fit of a finite matrix; 1 + alpha/2 is the limit, which says nothing of fits from tail index 2 on
(guide/matrices.md, Spectra).
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import linalg, matrices
from jaxprune.simulate.tails import extreme
from jaxprune.sweep import Experiment

RANK = [1, 2, 5, 10, 20, 50]
TOP = 0.1  # of the eigenvalues, for Hill's estimate


def make(tail_index, n):
    if n < RANK[-1]:
        raise ValueError(f"n: {n} x {n} matrices have no {RANK[-1]} eigenvalues; use {RANK[-1]} or more")
    return HeavyTailedMatrix(tail_index, n, n)


def trial(key, problem):
    matrix = matrices.draw(key, problem).matrix
    eigenvalues = linalg.singular_values(matrix) ** 2
    entries = jnp.sort(jnp.abs(jnp.ravel(matrix)))[::-1] ** 2
    rank = np.array(RANK) - 1
    tail = extreme.hill(eigenvalues, round(TOP * len(eigenvalues)))
    return {
        "log_eigenvalue": jnp.log(eigenvalues[rank]),
        "log_ratio": jnp.log(eigenvalues[rank] / entries[rank]),
        "tail_exponent": 1 + tail.value,
    }


def findings(samples):
    """Fitted exponents, and eigenvalues over squares of entries, of the largest matrices."""
    here, stated = samples.sel(n=samples["n"].max(), drop=True), {}
    for alpha in samples["tail_index"].values:
        one = here.sel(tail_index=alpha, drop=True)
        stated[f"pdf exponent by Hill, tail index {alpha:g}"] = estimates.mean(one["tail_exponent"])
        for rank in (1, 10):
            value = one["log_ratio"].sel(rank=rank, drop=True)
            stated[f"log of eigenvalue over square of entry, rank {rank}, tail index {alpha:g}"] = estimates.mean(value)
    return stated


EXPERIMENT = Experiment(
    "spectra",
    axes=dict(tail_index=[0.75, 1.0, 1.5, 2.5, 3.5], n=[100, 200]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(rank=RANK),
    metrics=[Metric("log_ratio", "eigenvalue of A'A over the square of the entry of that rank", scale="logarithm")],
    seeds=30,
    block=10,
    smoke=dict(tail_index=[1.0, 2.5], n=[100], seeds=10),
    describe="eigenvalues of heavy-tailed matrices against their largest entries, and the exponent that a fit finds",
)
