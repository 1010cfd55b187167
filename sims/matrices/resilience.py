"""The largest coordinate of A x: how far ahead of the second it is, if few entries give it, and what noise on x does to it.

Noise of one norm, relative to that of x: spread over all inputs, or on the few inputs that the largest entries select
(guide/matrices.md, Action on a vector).
"""

import jax
import jax.numpy as jnp

from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import compression, matrices
from jaxprune.sweep import Experiment

KEPT, NOISE, PLACES = 10, [0.1, 0.3, 1.0], ["spread", "selected"]


def make(tail_index, n):
    if n * n < KEPT:
        raise ValueError(f"n: {n} x {n} matrices have no {KEPT} entries to keep; use more rows and columns")
    return HeavyTailedMatrix(tail_index, n, n, "stable" if tail_index <= 2 else "student")


def trial(key, problem):
    entries, direction, disturbance = jax.random.split(key, 3)
    matrix = matrices.draw(entries, problem).matrix
    x = jax.random.normal(direction, (problem.columns,), matrix.dtype)
    y = matrix @ x
    kept = matrix - matrices.residuals(matrix, [KEPT])[0]
    selected = jnp.any(kept != 0, axis=0)
    unit = jax.random.normal(disturbance, (2, problem.columns), matrix.dtype) * jnp.stack([jnp.ones_like(selected), selected])
    unit = unit / jnp.linalg.norm(unit, axis=1, keepdims=True) * jnp.linalg.norm(x)
    noise = (unit[:, None, :] * jnp.array(NOISE)[:, None]).reshape(-1, problem.columns)
    survived = matrices.survives(matrix, x, noise).reshape(len(PLACES), len(NOISE))
    return {
        "output_gap": matrices.argmax_gap(y),
        "output_participation": compression.compressibility.participation(y),
        "agreement": matrices.agree(kept @ x, y).astype(float),
        "survival": survived.astype(float),
    }


def findings(samples):
    """Gaps and agreement at the largest size, and what survives of noise as large as x."""
    here, stated = samples.sel(n=samples["n"].max(), drop=True), {}
    for alpha in samples["tail_index"].values:
        one = here.sel(tail_index=alpha, drop=True)
        stated[f"relative gap, tail index {alpha:g}"] = estimates.mean(one["output_gap"])
        stated[f"agreement of {KEPT} entries, tail index {alpha:g}"] = estimates.mean(one["agreement"])
        for place in PLACES:
            values = one["survival"].sel(place=place, noise=0.3).reset_coords(drop=True)
            stated[f"survives {place} noise of 0.3, tail index {alpha:g}"] = estimates.mean(values)
    return stated


EXPERIMENT = Experiment(
    "resilience",
    axes=dict(tail_index=[1.0, 1.5, 2.0, 4.0], n=[100, 200]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(place=PLACES, noise=NOISE),
    seeds=200,
    block=50,
    smoke=dict(tail_index=[1.0, 2.0], n=[100], seeds=50),
    describe="gap between the two largest coordinates of A x, and what noise on x and few kept entries do to the largest",
)
