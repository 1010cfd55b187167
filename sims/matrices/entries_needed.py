"""How many entries a matrix needs, in three senses of error: Frobenius, operator norm, bilinear forms (guide/matrices.md).

``count_above``: entries above the threshold tau with which every fixed bilinear form is within eps, but for a probability ETA.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import matrices
from jaxprune.simulate.platforms import each
from jaxprune.sweep import Experiment

EPS, ETA = [0.1, 0.3], 0.01
TAU = [eps / float(np.sqrt(2 * np.log(2 / ETA))) for eps in EPS]
COUNTS = ("frobenius_count", "operator_count")
STEPS, POINTS = 30, 12  # power iterations, counts at which residual norms are taken


def make(tail_index, n):
    return HeavyTailedMatrix(tail_index, n, n)


def counts(size):
    """Kept counts, evenly spaced in their logarithm."""
    return np.unique(np.round(np.geomspace(1, size, POINTS)).astype(int))


def trial(key, problem):
    entries, start, form = jax.random.split(key, 3)
    matrix = matrices.draw(entries, problem).matrix
    shares, kept = matrices.discarded(matrix), counts(problem.size)
    eps = jnp.array(EPS)
    whole = matrices.operator_norm(start, matrix, STEPS).value
    rest = each(lambda part: matrices.operator_norm(start, part, STEPS).value, matrices.residuals(matrix, kept.tolist()))
    size, cuts = jnp.abs(matrix), jnp.array(TAU) * jnp.linalg.norm(matrix)
    left, right = jax.random.normal(form, (2, 1, problem.rows), matrix.dtype)
    errors = [matrices.bilinear_error(matrix, jnp.where(size > cut, matrix, 0), left, right)[0] for cut in cuts]
    return {
        "frobenius_count": jnp.sum(shares[None, :] > eps[:, None] ** 2, axis=1).astype(float),
        "operator_count": jnp.array(kept)[jnp.argmax(rest[None, :] <= eps[:, None] * whole, axis=1)].astype(float),
        "count_above": jnp.sum(size[None] > cuts[:, None, None], axis=(1, 2)).astype(float),
        "form_failed": (jnp.stack(errors) >= eps).astype(float),
    }


def findings(samples):
    """Means at the larger error, and exponents in n of what the Frobenius norm needs."""
    here, stated = samples.sel(eps=EPS[1], tau=TAU[1]), {}
    for alpha in samples["tail_index"].values:
        one = here.sel(tail_index=alpha)
        for metric in ("frobenius_count", "operator_count", "count_above"):
            last = one[metric].sel(n=samples["n"].values[-1], drop=True).reset_coords(drop=True)
            stated[f"{metric}, eps {EPS[1]:g}, tail index {alpha:g}"] = estimates.mean(last)
        values = one["frobenius_count"].transpose("n", "seed").values
        if len(values) >= estimates.SIZES:
            stated[f"exponent of n of frobenius_count, tail index {alpha:g}"] = estimates.exponent(samples["n"].values, *values)
    return stated


EXPERIMENT = Experiment(
    "entries_needed",
    axes=dict(tail_index=[0.5, 1.0, 1.5, 2.5, 3.5], n=[12, 24, 48, 96]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(eps=EPS, tau=TAU),
    dims={name: ["eps"] for name in COUNTS} | {name: ["tau"] for name in ("count_above", "form_failed")},
    metrics=[
        Metric("frobenius_count", "fewest largest entries within eps of the Frobenius norm", unit="entries"),
        Metric("operator_count", "fewest largest entries within eps of the operator norm, of a grid of counts", unit="entries"),
        Metric("form_failed", "whether a bilinear form of Gaussian vectors is off by eps"),
    ],
    seeds=200,
    block=25,
    smoke=dict(tail_index=[1.0, 2.5], n=[12], seeds=25),
    describe="entries needed for an error in Frobenius norm, operator norm and bilinear forms against tail index and size",
)
