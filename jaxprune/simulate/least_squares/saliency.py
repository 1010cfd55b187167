"""Saliencies for correlated features, and pruning that lets the kept coefficients answer for the pruned ones.

When feature i goes and the others are free to move, the trained model x . b changes in mean square by
``b_i^2 / (Sigma_p^-1)_ii``: what the other features cannot imitate. All is measured by the covariance of each width.
A covariance with dependent features (``problem.deficient``) has no such inverse: ``obs`` and ``obs_greedy`` refuse
it, ``compensated_surface`` solves it by rank.
Source: guide/least_squares.md, Saliencies for correlated features; Hassibi and Stork 1993.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxprune.simulate import linalg
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import pruning, solving
from jaxprune.simulate.least_squares.fit import EXACT, Counts, Path
from jaxprune.simulate.least_squares.pruning import Coef, Fit, Problem, Rule, Scores
from jaxprune.simulate.platforms import by_platform, each


def obs(key: Array, coef: Coef, fit: Fit) -> Scores:
    """``|b_i| / sqrt((Sigma_p^-1)_ii)``, the root of the surgeon's saliency; ``hessian`` for a diagonal covariance.

    Args:
        key: Not used; it makes this a rule.
        coef: Coefficients (W, d), one row per width.
        fit: What they are of; its problem gives the covariance.

    Returns:
        Scores (W, d).

    Raises:
        ValueError: For a covariance with dependent features that is not diagonal.
    """
    if pruning.diagonal(fit.problem):
        return pruning.hessian(key, coef, fit)
    return _saliency(coef, fit.path.widths, _inverse_factor(_regular(fit.problem)))


def obs_greedy(key: Array, coef: Coef, fit: Fit) -> Scores:
    """The step at which the surgeon removes each feature: always the one of least saliency.

    After each the others compensate, and every saliency is computed anew. For a diagonal covariance nothing changes:
    ``hessian``. O(p^3) for a width p.

    Args:
        key: Not used; it makes this a rule.
        coef: Coefficients (W, d), one row per width.
        fit: What they are of; its problem gives the covariance.

    Returns:
        Scores (W, d): steps 0, 1, .., or those of ``hessian``.

    Raises:
        ValueError: For a covariance with dependent features that is not diagonal.
    """
    if pruning.diagonal(fit.problem):
        return pruning.hessian(key, coef, fit)
    factor = _inverse_factor(_regular(fit.problem))

    def one(model):
        coef, width = model
        leading = jnp.where((jnp.arange(len(coef)) < width)[:, None], factor, 0)
        return _removals(coef, jnp.matmul(leading.T, leading, precision=EXACT), width)

    return each(one, (coef, jnp.asarray(fit.path.widths)))


def empirical_obs(ridge: float) -> Rule:
    """The rule ``|b_i| / sqrt(((C_p + ridge)^-1)_ii)`` with the training sample's second moments C = X X^T / n.

    Args:
        ridge: What is added to the diagonal of C, a finite number > 0: above n features C alone has no inverse.

    Returns:
        The rule.

    Raises:
        ValueError: For ridge <= 0, and for an infinite one.
    """
    if not 0 < ridge < np.inf:
        raise ValueError(f"ridge: {ridge} does not make the sample's second moments invertible; use a finite number > 0")

    def rule(key: Array, coef: Coef, fit: Fit) -> Scores:
        features = fit.path.data.features
        moments = jnp.matmul(features, features.T, precision=EXACT) / features.shape[1]
        inverse = _inverse_factor(moments + ridge * jnp.eye(len(features), dtype=features.dtype))
        return _saliency(coef, fit.path.widths, inverse)

    return rule


def compensated_surface(path: Path, problem: Problem, order: Int[Array, "W R d"], kept: Counts) -> Float[Array, "W R K"]:
    """Exact population risk once the kept coefficients answer for the pruned ones, ``b_S + Sigma_SS^-1 Sigma_SP b_P``.

    This is the closest model to the trained one, in mean square, on each support. Dependent features are compensated by rank.
    One factor serves every kept count of an order.

    Args:
        path: Fits of W widths.
        problem: The population.
        order: Indices of features (W, R, d), as of ``ranking``.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d; a count above the width keeps all.

    Returns:
        Risks (W, R, K).

    Raises:
        ValueError: For kept counts that are not strictly increasing integers in 0 .. d.
    """
    kept = least_squares.strictly_increasing("kept", kept, 0, problem.dim)
    if pruning.diagonal(problem):
        return pruning.risk_surface(path, problem, order, kept)
    covariance = jnp.asarray(problem.covariance)
    images = jnp.matmul(path.coef, covariance, precision=EXACT)
    counts = jnp.minimum(jnp.asarray(kept)[None, :], jnp.asarray(path.widths)[:, None])
    rules, most = order.shape[1], max(kept[-1], 1)

    def one(cell):
        image, count, features = cell
        chosen = features[:most]
        solved = least_squares.leading_solutions(solving.block(covariance, chosen), image[chosen], count, problem.deficient)
        return problem.risk(jnp.zeros((len(kept), len(image)), image.dtype).at[:, chosen].set(solved, unique_indices=True))

    cells = (jnp.repeat(images, rules, axis=0), jnp.repeat(counts, rules, axis=0), order.reshape(-1, problem.dim))
    return each(one, cells).reshape(*order.shape[:2], -1)


def _regular(problem):
    if problem.deficient:
        raise ValueError("problem: its covariance has dependent features, and no inverse; use pruning.hessian")
    return jnp.asarray(problem.covariance)


def _inverse_factor(covariance):
    """M = L^-1 of ``covariance = L L^T``: its first p rows are the factor of the inverse of the leading block."""
    factor = linalg.cholesky(covariance)
    return linalg.solve_lower(factor, jnp.eye(len(factor), dtype=factor.dtype))


def _saliency(coef, widths, inverse_factor):
    precisions = jnp.cumsum(inverse_factor**2, axis=0)[jnp.asarray(widths) - 1]
    return jnp.abs(coef) / jnp.sqrt(jnp.where(precisions > 0, precisions, 1))  # zero where a feature is absent


def _removals(coef, inverse, width):
    """The step at which each feature goes; of equal ones the last goes first."""
    index = jnp.arange(len(coef))

    def remove(step, state):
        coef, inverse, live, steps = state
        cost = jnp.where(live, coef**2 / jnp.where(live, jnp.diagonal(inverse), 1), jnp.inf)
        least = index[-1] - jnp.argmin(cost[::-1])
        column = jnp.where(live, inverse[:, least], 0)
        share = column / column[least]
        live = live.at[least].set(False)
        inverse = inverse - share[:, None] * column[None, :]
        return coef - share * coef[least], inverse, live, steps.at[least].set(step.astype(steps.dtype))

    def remove_if_any(step, state):
        return jax.tree.map(lambda new, old: jnp.where(step < width, new, old), remove(step, state), state)

    def all_steps(state):  # of a number that the compiler knows, since an accelerator waits for the host where it does not
        return jax.lax.fori_loop(0, len(coef), remove_if_any, state)[3]

    start = (coef, inverse, index < width, jnp.zeros_like(coef))
    return by_platform(start, cpu=lambda state: jax.lax.fori_loop(0, width, remove, state)[3], elsewhere=all_steps)
