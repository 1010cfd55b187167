"""Best networks against a target that prefers no direction: how the neurons of the best of many random starts lie.

Source: guide/two_layer.md, More neurons than dimensions.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import Isotropic
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer.curvature import curvature
from jaxprune.simulate.two_layer.losses import EXACT, Factors
from jaxprune.simulate.two_layer.objectives import Objective, limit, simplified
from jaxprune.simulate.two_layer.optimise import Runs, Schedule, minimise, same_loss


def objective(problem: Isotropic) -> Objective:
    """What is minimised."""
    if problem.target == "limit":
        return limit(problem.mean, problem.dim)
    mean = jnp.asarray(problem.mean, jnp.result_type(float))
    return simplified(Factors(mean, jnp.zeros((problem.dim,), mean.dtype), jnp.zeros((), mean.dtype)))


def minima(key: Key[Array, ""], problem: Isotropic, schedule: Schedule | None = None) -> Runs:
    """Where the ``restarts`` random starts of a problem end; neurons beyond ``problem.neurons`` are padding, and zero."""
    goal, room = objective(problem), problem.neurons if problem.room is None else problem.room
    return minimise(goal, key, room, problem.restarts, live=jnp.arange(room) < problem.neurons, schedule=schedule)


def trial(key: Key[Array, ""], problem: Isotropic, schedule: Schedule | None = None) -> dict[str, Float[Array, ""]]:
    """The metrics of ``Isotropic`` for one set of starts. Pure."""
    runs, goal = minima(key, problem, schedule), objective(problem)
    best = runs.best()
    lowest = curvature(goal, best.rows, best.signs)
    return {
        **geometry(best.rows),
        "loss": best.loss,
        "success": runs.success(best.loss, same_loss(best.loss.dtype) * problem.mean**2),
        "dead": best.dead - (len(best.rows) - problem.neurons),
        "gradient": best.gradient,
        "curvature": lowest.smallest,
        "curvature_error": lowest.error,
    }


def geometry(rows: Float[Array, "M d"]) -> dict[str, Float[Array, ""]]:
    """How far the rows that are not zero are from centred, equiangular lines of equal gains; NaN for fewer than two."""
    size, unit = polar(rows)
    live = size > 0
    count = jnp.sum(live)
    pairs = live & live[:, None] & ~jnp.eye(len(size), dtype=bool)
    return {
        "centroid": jnp.linalg.norm(jnp.sum(unit, axis=0)) / count,
        "cosine_spread": _spread(jnp.abs(jnp.matmul(unit, unit.T, precision=EXACT)), pairs),
        "gain_spread": _spread(size, live) * count / jnp.sum(size),
    }


def _spread(values, among):
    """Their standard deviation."""
    count = jnp.sum(among)
    mean = jnp.sum(jnp.where(among, values, 0)) / count
    return jnp.sqrt(jnp.sum(jnp.where(among, (values - mean) ** 2, 0)) / count)
