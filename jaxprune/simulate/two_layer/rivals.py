"""What a narrow network can be without the exact loss: the optimum of the simplified one, or the target's largest neurons.

Both are held against the exact loss, and against its optimum. Source: guide/two_layer.md, Heavy-tailed targets.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.problems import Compression
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.platforms import each
from jaxprune.simulate.two_layer import baselines, checks
from jaxprune.simulate.two_layer.losses import factors
from jaxprune.simulate.two_layer.nested import narrowed
from jaxprune.simulate.two_layer.objectives import Objective, exact, simplified
from jaxprune.simulate.two_layer.optimise import AFFINE, Runs, Schedule, descend, minimise, starts
from jaxprune.simulate.two_layer.targets import Target, draw


def rivals(
    key: Key[Array, ""], problem: Compression, widths: Sequence[int], schedule: Schedule | None = None
) -> dict[str, Float[Array, " W"]]:
    """Losses over E f*^2 for the targets that the first ``widths`` neurons of one target make. Pure.

    ``simplified``: the simplified optimum, as it is, and ``simplified_refit`` with the best gains for its directions;
    ``largest``: the largest neurons of the target with the best gains; ``optimum``: the best of these, of descents from both
    and of ``problem.restarts`` from random starts, and ``from_random`` of the latter alone. ``share``: of the gains, what the
    ``problem.neurons`` largest hold. Directions of the refitted ones are fixed, signs are those of least squares.

    Raises ValueError for widths that are not between the problem's neurons and its width."""
    for width in widths:
        checks.check_count("widths", width, "neurons of the target", low=problem.neurons, high=problem.width)
    target_key, exact_key, simple_key = jax.random.split(key, 3)
    target = draw(problem, target_key)

    def one(count):
        here = _scaled(narrowed(target, problem, count))
        objective, simple = exact(*here), simplified(factors(*here))
        best = minimise(simple, simple_key, problem.neurons, problem.restarts, problem.signs, schedule=AFFINE).best()
        plain = objective(best.rows, best.signs)
        fitted, refit_loss = _fitted(objective, best.rows, here)
        largest, largest_loss = _fitted(objective, baselines.magnitude(here, problem.neurons).rows, here)
        runs = _descents(objective, exact_key, problem, [fitted, largest], schedule)
        random = jnp.nanmin(runs.loss[2:])
        lowest = jnp.stack([plain, refit_loss, largest_loss, jnp.nanmin(runs.loss)])
        gains = jnp.abs(here.weights) * polar(here.rows)[0]
        losses = dict(simplified=plain, simplified_refit=refit_loss, largest=largest_loss, optimum=jnp.min(lowest))
        losses["from_random"] = random
        held = jnp.sum(jax.lax.top_k(gains, problem.neurons)[0]) / jnp.sum(gains)
        return {**{name: loss / objective.constant for name, loss in losses.items()}, "share": held}

    return each(one, jnp.asarray(np.asarray(widths)))


def _scaled(target: Target) -> Target:
    """With gains that sum to 1, of rows of length 1: so that no square overflows."""
    size, unit = polar(target.rows)
    gains = target.weights * size
    return Target(unit, gains / jnp.sum(jnp.abs(gains)))


def _fitted(objective: Objective, rows, target: Target):
    """Rows with their signs when the gains are the best ones, and the loss."""
    network = baselines.refit(polar(rows)[1], target)
    signs = jnp.where(network.weights < 0, -1.0, 1.0)
    rows = jnp.abs(network.weights)[:, None] * network.rows
    return (rows, signs), objective(rows, signs)


def _descents(objective: Objective, key, problem: Compression, given, schedule) -> Runs:
    rows, signs = starts(key, objective, problem.neurons, problem.restarts, problem.signs)
    for more, side in reversed(given):
        if problem.signs == "nonnegative":
            side, more = jnp.ones_like(side), jnp.where(side[:, None] < 0, 0, more)
        rows, signs = jnp.concatenate([more[None], rows]), jnp.concatenate([side[None], signs])
    return descend(objective, rows, signs, schedule)
