"""Risks of pruned and refitted models of a population that is costly to meet: all their coefficients meet it together."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxprune.simulate.blocked import BlockedPopulation
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares.fit import Counts, Data, Path
from jaxprune.simulate.platforms import each


def risks(
    path: Path, problem: BlockedPopulation, order: Int[Array, "W R d"], kept: Counts, fresh: Data | None = None
) -> dict[str, Array]:
    """What ``pruning.risks`` gives, from one pass over the population.

    Args:
        path: Fits of W widths, without an intercept.
        problem: The population.
        order: Indices of features (W, R, d), as of ``pruning.ranking``.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d.
        fresh: Another sample, on which pruned supports are refitted too; None for none.

    Returns:
        The dict of ``pruning.risks``. While it is made, the coefficients of all these models are held.

    Raises:
        ValueError: For kept counts that are not strictly increasing integers in 0 .. d.
    """
    kept = least_squares.strictly_increasing("kept", kept, 0, problem.dim)
    counts = jnp.minimum(jnp.asarray(kept)[None, :], jnp.asarray(path.widths)[:, None])
    masked = jnp.where(order[..., :1, None] < 0, jnp.nan, pruned(path.coef, order, counts))
    models = {"risk": path.coef, "pruned_risk": masked, "retrained_same": retrained(path.data, order, path.widths, kept)}
    if fresh is not None:
        models["retrained_fresh"] = retrained(fresh, order, path.widths, kept)
    shapes = [coef.shape[:-1] for coef in models.values()]
    found = problem.risk(jnp.concatenate([coef.reshape(-1, problem.dim) for coef in models.values()]))
    parts = jnp.split(found, np.cumsum([np.prod(shape, dtype=int) for shape in shapes])[:-1])
    return {name: part.reshape(shape) for name, part, shape in zip(models, parts, shapes, strict=True)}


def pruned(coef: Float[Array, "W d"], order: Int[Array, "W R d"], counts: Int[Array, "W K"]) -> Float[Array, "W R K d"]:
    """The coefficients of which the first ``counts`` in an order stay, the others zero.

    Args:
        coef: Coefficients (W, d).
        order: Indices of features (W, R, d).
        counts: How many stay (W, K).

    Returns:
        Coefficients (W, R, K, d).
    """
    rank = jnp.argsort(order, axis=-1)
    return jnp.where(rank[:, :, None] < counts[:, None, :, None], coef[:, None, None], 0)


def retrained(data: Data, order: Int[Array, "W R d"], widths: Counts, kept: Counts) -> Float[Array, "W R K d"]:
    """The coefficients of every pruned support, refitted.

    Args:
        data: The sample that is refitted, without an intercept.
        order: Indices of features (W, R, d), as of ``pruning.ranking``.
        widths: The W widths that were fitted.
        kept: Numbers of features that stay (K,); a count above the width keeps all.

    Returns:
        Coefficients (W, R, K, d), NaN where there is no order.
    """
    rules, dim = order.shape[1:]
    moments = least_squares.shared_moments(data, len(widths) * rules, max(kept))

    def one(arguments):
        width, chosen = arguments
        return least_squares.retrain_path(data, chosen, kept, width, moments)

    found = each(one, (jnp.repeat(jnp.asarray(widths), rules), order.reshape(-1, dim)))
    return found.reshape(*order.shape[:2], -1, dim)
