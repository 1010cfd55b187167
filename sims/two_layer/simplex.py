"""The best narrow networks of a target without a slope are simplices (guide/two_layer.md, Theorem A).

Random starts are set beside directions that nobody has optimised, with the best gain that all of them can share.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Finding
from jaxprune.problems import AffineTarget
from jaxprune.simulate import two_layer
from jaxprune.simulate.arc_cosine import kappa
from jaxprune.simulate.two_layer import optimise
from jaxprune.sweep import Experiment

NEURONS = [*range(2, 13), 14, 16]
METRICS = ("loss", "cosine", "cosine_sd", "success", "dead", "gradient", "curvature", "curvature_error")


def make(dim, restarts):
    return AffineTarget(dim, 0.0, "nonnegative", restarts)


def trial(key, problem):
    start, frame = jax.random.split(key)
    found = two_layer.trials.affine_trial(start, problem, NEURONS)
    return {**{name: found[name] for name in METRICS}, "random_loss": random_loss(frame, problem.dim)}


def random_loss(key, dim):
    """The loss of the first 2, 3, ... of random directions with one gain, the best."""
    rows = jax.random.normal(key, (max(NEURONS), dim))
    unit = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
    kernel = kappa(jnp.clip(unit @ unit.T, -1, 1))
    count = np.array(NEURONS)
    whole = jnp.cumsum(jnp.cumsum(kernel, 0), 1)[count - 1, count - 1]
    return 1 - count**2 / (2 * np.pi * whole)


def findings(samples):
    """How often random starts reach the smallest loss of all seeds, where there are simplices: the best of one start is
    itself, so that it says nothing."""
    loss = samples["loss"]
    best = loss.min(["seed", "restarts"]) + optimise.SAME
    there = samples["neurons"] <= samples["dim"] + 1
    reached = samples["success"].where(loss <= best, 0.0).where(there).mean(["seed", "neurons", "restarts"])
    return {
        f"share of random starts that reach the simplex, {int(dim)} inputs": Finding(float(reached.sel(dim=dim)))
        for dim in samples["dim"].values
    }


EXPERIMENT = Experiment(
    "simplex",
    axes=dict(dim=[16], restarts=[16]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(neurons=NEURONS),
    seeds=40,
    block=10,
    smoke=dict(seeds=8),
    describe="loss of the best of random starts, and of random directions, against the number of neurons",
)
