"""One target and its best narrow networks: exact and simplified optima, how they lie, and how far the simplification errs."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.problems import AffineTarget, Compression
from jaxprune.simulate import linalg
from jaxprune.simulate.arc_cosine import EXACT, cosines, turn
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer.curvature import curvature
from jaxprune.simulate.two_layer.losses import Factors, beyond_affine, factors
from jaxprune.simulate.two_layer.objectives import Objective, affine_part, exact, simplified
from jaxprune.simulate.two_layer.optimise import AFFINE, Runs, Schedule, minimise, same_loss
from jaxprune.simulate.two_layer.targets import Target, draw

LARGEST, RANDOM, ASCENTS = 4, 8, 60  # teachers and random directions an ascent begins at, and its steps


def trial(key: Key[Array, ""], problem: Compression, schedule: Schedule | None = None) -> dict[str, Float[Array, ""]]:
    """The metrics of ``Compression`` for one draw of the target. Pure.

    Args:
        key: One typed JAX key, for target and starts.
        problem: The target, and the narrow network.
        schedule: How long to optimise; None: the default of ``Schedule``.

    Returns:
        A dict of scalars: those of ``optimum`` for the exact loss; ``simplified_loss``, ``simplified_cosine``,
        ``uniform_error``, ``uniform_error_bound``; and of the target ``mean``, ``slope`` (its length), ``rest``.
    """
    target_key, exact_key, simple_key, direction_key = jax.random.split(key, 4)
    target = draw(problem, target_key)
    affine, objective = factors(*target), exact(*target)
    simple = simplified(affine)
    runs, simple_runs = (
        minimise(which, k, problem.neurons, problem.restarts, problem.signs, schedule=schedule)
        for which, k in ((objective, exact_key), (simple, simple_key))
    )
    error, bound = uniform_error(target, direction_key)
    return {
        **optimum(objective, runs),
        "simplified_loss": simple_runs.best().loss,
        "simplified_cosine": geometry(simple, simple_runs.best())["cosine"],
        "uniform_error": error,
        "uniform_error_bound": bound,
        "mean": affine.mean,
        "slope": jnp.linalg.norm(affine.slope),
        "rest": affine.rest,
    }


def affine_trial(
    key: Key[Array, ""], problem: AffineTarget, neurons: Sequence[int], schedule: Schedule | None = None
) -> dict[str, Float[Array, " M"]]:
    """The metrics of ``AffineTarget`` for several numbers of neurons, all in one program. Pure.

    Args:
        key: One typed JAX key, for starts and signs.
        problem: The target, and where to look for the network.
        neurons: The k numbers of neurons, >= 1.
        schedule: How long to optimise; None: ``optimise.AFFINE`` where it is enough, else the default of ``Schedule``.

    Returns:
        A dict of the names of ``optimum``, each (k,).
    """
    start_key, sign_key = jax.random.split(key)
    objective, most = affine_objective(problem), max(neurons)
    if schedule is None and most <= problem.dim and problem.signs != "random":
        schedule = AFFINE
    coins = jax.random.rademacher(sign_key, (most,), objective.slope.dtype)
    signs = coins if problem.signs == "random" else problem.signs

    def one(count):
        runs = minimise(objective, start_key, most, problem.restarts, signs, jnp.arange(most) < count, schedule)
        found = optimum(objective, runs)
        return {**found, "dead": found["dead"] - (most - count)}  # padding is no neuron

    return jax.vmap(one)(jnp.asarray(neurons))


def affine_objective(problem: AffineTarget) -> Objective:
    """What networks near that target minimise; its slope lies along the first input.

    Args:
        problem: Gives dim and eta.

    Returns:
        The objective.
    """
    slope = jnp.zeros((problem.dim,), jnp.result_type(float)).at[0].set(problem.eta)
    return simplified(Factors(jnp.ones((), slope.dtype), slope, jnp.zeros((), slope.dtype)))


def optimum(objective: Objective, runs: Runs) -> dict[str, Float[Array, ""]]:
    """The best of several runs: where it lies, how many runs reach it, and whether it is a minimum.

    Args:
        objective: What was minimised.
        runs: Where restarts ended.

    Returns:
        A dict of scalars: those of ``geometry``, ``loss``, ``success``, ``negative``, ``dead``, ``gradient``, ``curvature``,
        ``curvature_error``.
    """
    best = runs.best()
    lowest = curvature(objective, best.rows, best.signs)
    return {
        **geometry(objective, best),
        "loss": best.loss,
        "success": runs.success(best.loss, same_loss(best.loss.dtype) * objective.constant),
        "negative": best.negative.astype(best.loss.dtype),
        "dead": best.dead.astype(best.loss.dtype),
        "gradient": best.gradient,
        "curvature": lowest.smallest,
        "curvature_error": lowest.error,
    }


def geometry(objective: Objective, run: Runs) -> dict[str, Float[Array, ""]]:
    """How the neurons of one optimum lie. Zero rows are left out.

    Args:
        objective: What was minimised.
        run: Where one restart ended.

    Returns:
        A dict of scalars: ``cosine`` and ``cosine_sd``, mean and standard deviation of the cosines of two neurons (NaN for one
        neuron), and ``tilt``, their mean cosine to the slope of the target.
    """
    size, unit = polar(run.rows)
    live = size > 0
    pairs = live & live[:, None] & ~jnp.eye(len(size), dtype=bool)
    cosine, count = jnp.matmul(unit, unit.T, precision=EXACT), jnp.sum(pairs)
    mean = jnp.sum(jnp.where(pairs, cosine, 0)) / count
    spread = jnp.sqrt(jnp.sum(jnp.where(pairs, (cosine - mean) ** 2, 0)) / count)
    direction = polar(affine_part(objective)[1])[1]
    return {"cosine": mean, "cosine_sd": spread, "tilt": jnp.sum(unit @ direction) / jnp.sum(live)}


def uniform_error(target: Target, key: Key[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """``sup_u |h(u)|``, where the simplified loss exceeds the exact one by ``2 sum_j s_j h(u_j)``; and its bound.

    Source: guide/two_layer.md, Simplification.

    Args:
        target: Rows (N, d) and output weights (N,).
        key: One typed JAX key, for random directions.

    Returns:
        The best of ascents from eigenvectors, the largest teachers and random directions, so from below; and the bound by the
        largest eigenvalue, which holds for output weights >= 0 and is NaN for others.
    """
    size, unit = polar(jnp.asarray(target.rows))
    gains = jnp.asarray(target.weights) * size
    eigs, basis = linalg.eigh(jnp.matmul(unit.T * gains, unit, precision=EXACT))
    teachers = unit[jax.lax.top_k(jnp.abs(gains), min(LARGEST, len(gains)))[1]]
    chance = polar(jax.random.normal(key, (RANDOM, unit.shape[1]), unit.dtype))[1]
    begin = jnp.concatenate([basis.T[:1], basis.T[-1:], teachers, chance])
    found = jnp.maximum(_ascend(unit, gains, begin), _ascend(unit, -gains, begin))
    bound = jnp.where(jnp.all(gains >= 0), (0.25 - 1 / (2 * np.pi)) * eigs[-1], jnp.nan)
    return found, bound


def _ascend(unit, gains, begin):
    """The largest h on the way of fixed-point steps: each goes where the gradient points, for gains >= 0 always upwards."""
    held = jnp.where(jnp.all(gains >= 0), 0, 1)  # others need shorter steps

    def step(state, _):
        directions, most = state
        cosine = cosines(directions, unit)
        most = jnp.maximum(most, jnp.max(beyond_affine(cosine) @ gains))
        slope = jnp.matmul((turn(cosine) / (2 * np.pi) - 0.25) * gains, unit, precision=EXACT)
        toward = slope + held * jnp.linalg.norm(slope, axis=1, keepdims=True) * directions
        return (polar(toward)[1], most), None

    return jax.lax.scan(step, (begin, jnp.full((), -jnp.inf, unit.dtype)), None, length=ASCENTS)[0][1]
