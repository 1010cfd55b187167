"""Spurious minima: d ReLU neurons that learn d orthonormal ones can come to rest above loss 0.

Source: guide/two_layer.md, Orthonormal teachers.

The loss is the population loss E(f* - f)^2 / 2 of inputs N(0, I), with the half of the literature (Safran and Shamir 2018;
Arjevani and Field 2019). Starts are Gaussian rows of length about 1. How often they end in the global minimum depends on the
descent, which is Adam's and then Newton's in a trust region; where they can end does not. The symmetric family of minima
treats all neurons but one alike (``two_layer.symmetric_minima``): a saddle for d <= 5 and a minimum from d = 6 on, shown
numerically by the smallest eigenvalue of the whole Hessian and its error.
"""

import jax
import jax.numpy as jnp

from jaxprune.contracts import Finding
from jaxprune.judge import estimates
from jaxprune.problems import OrthonormalTeachers
from jaxprune.simulate import two_layer
from jaxprune.simulate.platforms import each
from jaxprune.simulate.two_layer import objectives, symmetric_minima
from jaxprune.simulate.two_layer.curvature import curvature
from jaxprune.sweep import Experiment

AT_REST = 1e-9  # norm of a gradient
SAME = 1e-8  # losses that differ by less are one level
FAMILY = [5, 6, 8, 10, 20]


def make(d, restarts):
    return OrthonormalTeachers(d, restarts)


def trial(key, problem):
    dim = problem.dim
    objective, signs = objectives.exact(jnp.eye(dim), jnp.ones(dim)), jnp.ones(dim)
    starts = jax.random.normal(key, (problem.restarts, dim, dim)) / dim**0.5
    runs = two_layer.descend(objective, starts, jnp.ones((problem.restarts, dim)))
    loss, rest = runs.loss / 2, runs.gradient < AT_REST
    worst = jnp.argmax(jnp.where(rest, loss, -jnp.inf))
    family = symmetric_minima.minimum(dim)
    places = jnp.stack([runs.rows[worst], symmetric_minima.rows(family.entries, dim)])
    bend = each(lambda rows: curvature(objective, rows, signs), places)
    return {
        "zero_loss": objective.constant / 2,
        "success": _share(rest & (loss < SAME)),
        "unfinished": _share(~rest),
        "in_family": _share(rest & (loss >= SAME) & (jnp.abs(loss - family.loss) < SAME)),
        "levels": _levels(loss, rest),
        "best": jnp.min(jnp.where(rest, loss, jnp.inf)),
        "worst": loss[worst],
        "worst_curvature": bend.smallest[0] / 2,
        "worst_curvature_error": bend.error[0] / 2,
        "symmetric_loss": family.loss,
        "symmetric_gradient": family.gradient,
        "symmetric_curvature": bend.smallest[1] / 2,
        "symmetric_curvature_error": bend.error[1] / 2,
    }


def _share(which):
    return jnp.mean(which, dtype=jnp.result_type(float))


def _levels(loss, rest):
    """How many losses, of the starts at rest, are further apart than ``SAME``."""
    ordered = jnp.sort(jnp.where(rest, loss, jnp.inf))
    apart = jnp.diff(ordered) > SAME
    return jnp.sum(apart & jnp.isfinite(ordered[1:])) + jnp.isfinite(ordered[0]).astype(loss.dtype)


def findings(samples):
    """Where random starts end, by d; and the symmetric family, with the errors of its eigenvalues."""
    here, stated = samples.isel(restarts=-1), {}
    for dim in here["d"].values:
        at = here.sel(d=dim)
        stated[f"starts in the global minimum, d = {dim}"] = estimates.mean(at["success"])
        if float(at["in_family"].max()) > 0:
            stated[f"starts in the symmetric family, d = {dim}"] = estimates.mean(at["in_family"])
        stated[f"distinct losses among the starts of a trial, d = {dim}"] = estimates.mean(at["levels"])
        stated[f"largest loss at rest, d = {dim}"] = Finding(float(at["worst"].max()))
        lowest = at.isel(seed=int(at["worst_curvature"].argmin("seed")))
        stated[f"smallest eigenvalue at the worst of a trial, d = {dim}"] = Finding(
            float(lowest["worst_curvature"]), float(lowest["worst_curvature_error"])
        )
        if dim in FAMILY:
            one = at.isel(seed=0)
            stated[f"loss of the symmetric family, d = {dim}"] = Finding(float(one["symmetric_loss"]))
            stated[f"smallest eigenvalue of the symmetric family, d = {dim}"] = Finding(
                float(one["symmetric_curvature"]), float(one["symmetric_curvature_error"])
            )
    return stated


EXPERIMENT = Experiment(
    "spurious_minima",
    axes=dict(d=[2, 4, 5, 6, 8, 10, 12, 16, 20], restarts=[32]),
    make=make,
    trial=trial,
    findings=findings,
    seeds=16,
    block=8,
    smoke=dict(d=[6], seeds=8),
    describe="where d ReLU neurons that learn d orthonormal ones come to rest, and a family of minima that are not global",
)
