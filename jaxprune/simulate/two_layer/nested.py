"""One random target at all its widths: the optima of narrower and narrower targets in one program, the rest of each masked.

Source: guide/two_layer.md, Simplification; Targets of finite width.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.problems import Compression
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.platforms import each
from jaxprune.simulate.two_layer import checks
from jaxprune.simulate.two_layer.losses import EXACT, Factors, factors
from jaxprune.simulate.two_layer.objectives import exact, limit, simplified
from jaxprune.simulate.two_layer.optimise import AFFINE, Schedule, minimise, same_loss
from jaxprune.simulate.two_layer.targets import Target, draw
from jaxprune.simulate.two_layer.trials import geometry, uniform_error

NEAR = 1e-3  # of the best loss: starts that end so near it are told to reach it


def narrowed(target: Target, problem: Compression, count: Any) -> Target:
    """The first ``count`` neurons, which may be traced, scaled as for that width; the others get the output weight 0."""
    ratio = problem.width / count
    scale = dict(mean=ratio, clt=jnp.sqrt(ratio), sum=1.0)[problem.scaling]
    return Target(target.rows, jnp.where(jnp.arange(problem.width) < count, scale * target.weights, 0))


def nested(
    key: Key[Array, ""], problem: Compression, widths: Sequence[int], schedule: Schedule | None = None
) -> dict[str, Float[Array, " W"]]:
    """Metrics of the targets that the first ``widths`` neurons of one target make, and of their narrow optima. Pure.

    As in ``two_layer.trials.trial``, but ``success`` counts the starts within a thousandth of the best loss; ``spread`` is what
    the worst start loses, ``gap`` simplified less exact loss, ``square_slope`` the square of the slope, ``nearest`` the mean
    over neurons of the largest cosine to a neuron of the target.

    Raises ValueError for widths that are not between 1 and the problem's."""
    for width in widths:
        checks.check_count("widths", width, "neurons of the target", high=problem.width)
    target_key, exact_key, simple_key, direction_key = jax.random.split(key, 4)
    target = draw(problem, target_key)

    def one(count):
        here = narrowed(target, problem, count)
        affine, objective = factors(*here), exact(*here)
        runs = minimise(objective, exact_key, problem.neurons, problem.restarts, problem.signs, schedule=schedule)
        simple = simplified(affine)
        flat = minimise(simple, simple_key, problem.neurons, problem.restarts, problem.signs, schedule=AFFINE).best()
        best = runs.best()
        return {
            **geometry(objective, best),
            "loss": best.loss,
            "simplified_loss": flat.loss,
            "simplified_cosine": geometry(simple, flat)["cosine"],
            "gap": flat.loss - best.loss,
            "uniform_error": uniform_error(here, direction_key)[0],
            "success": runs.success(best.loss, NEAR * jnp.abs(best.loss) + same_loss(best.loss.dtype) * objective.constant),
            "spread": jnp.max(runs.loss) - best.loss,
            "nearest": _nearest(best.rows, here),
            "mean": affine.mean,
            "square_slope": jnp.sum(affine.slope**2),
            "rest": affine.rest,
        }

    return each(one, jnp.asarray(np.asarray(widths)))


def limit_gap(key: Key[Array, ""], dim: int, neurons: int, restarts: int = 2) -> Float[Array, ""]:
    """Simplified less exact loss of infinitely many isotropic rows with mean 1, both minimised."""
    many = limit(1.0, dim)
    plain = simplified(Factors(jnp.ones_like(many.constant), many.slope, many.constant - 1))
    low, high = (minimise(which, key, neurons, restarts, schedule=AFFINE).best().loss for which in (many, plain))
    return high - low


def _nearest(rows, target: Target) -> Float[Array, ""]:
    (size, unit), (_, others) = polar(rows), polar(target.rows)
    cosine = jnp.where(target.weights != 0, jnp.matmul(unit, others.T, precision=EXACT), -1)
    return jnp.sum(jnp.where(size > 0, jnp.max(cosine, axis=1), 0)) / jnp.maximum(jnp.sum(size > 0), 1)
