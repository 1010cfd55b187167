"""Pruning: scores, the order in which features are kept, and the risk at every kept count.

A rule is a function ``(key, coef, fit) -> scores`` of coefficients (W, d), as in ``compression.rules``: ``fit`` holds the
``path`` that they are of and the ``problem``. Larger is kept, ties go to the lower index. To add a rule, write such a function
here. Source: guide/least_squares.md, Pruning rules.
"""

from collections.abc import Collection
from typing import Any, NamedTuple, TypeGuard

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.problems import LinearGaussian, Population
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.blocked import BlockedPopulation
from jaxprune.simulate.compression.rules import Rule
from jaxprune.simulate.compression.rules import magnitude as magnitude  # of coefficients too
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import one_pass
from jaxprune.simulate.least_squares.fit import Counts, Data, Path
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sorting import argsort_live

Problem = LinearGaussian | Population | BlockedPopulation
TIES = 1e9
Coef = Float[Array, "W d"]
Scores = Float[Array, "W d"]


class Fit(NamedTuple):
    """What a rule may look at beside the coefficients; ``problem`` is None where the population is not known."""

    path: Path
    problem: Any


def diagonal(problem: Problem) -> TypeGuard[LinearGaussian]:
    """Whether features are uncorrelated, so that risks are sums over features.

    Args:
        problem: The population.

    Returns:
        True for a ``LinearGaussian`` without a basis.
    """
    return isinstance(problem, LinearGaussian) and problem.basis is None


def hessian(key: Array, coef: Coef, fit: Fit) -> Scores:
    """``sqrt(Sigma_ii) |b_i|``: the diagonal second-order saliency, with the population's variances.

    Args:
        key: Not used; it makes this a rule.
        coef: Coefficients (W, d), one row per width.
        fit: What they are of; its problem gives the variances.

    Returns:
        Scores (W, d).
    """
    return jnp.sqrt(fit.problem.variances)[None, :] * jnp.abs(coef)


def empirical_hessian(key: Array, coef: Coef, fit: Fit) -> Scores:
    """``sqrt(mean_k x_ki^2) |b_i|``: the same, with the training sample's second moments.

    Args:
        key: Not used; it makes this a rule.
        coef: Coefficients (W, d), one row per width.
        fit: What they are of; its path gives the sample.

    Returns:
        Scores (W, d).
    """
    return jnp.sqrt(jnp.mean(fit.path.data.features**2, axis=-1))[None, :] * jnp.abs(coef)


def oracle(key: Array, coef: Coef, fit: Fit) -> Scores:
    """``Sigma_ii beta_i^2`` of the population's best predictor of each width: it never looks at the data.

    For a covariance that is not diagonal, scores equal to 1e-9 of the largest count as ties: they come from a solve.

    Args:
        key: Not used; it makes this a rule.
        coef: Coefficients (W, d), of which only the shape is used.
        fit: Gives the population and the widths.

    Returns:
        Scores (W, d).
    """
    problem = fit.problem
    if diagonal(problem):
        return jnp.broadcast_to(problem.variances, coef.shape) * jnp.broadcast_to(problem.teacher, coef.shape) ** 2
    widths = jnp.asarray(fit.path.widths)
    best = least_squares.leading_solutions(problem.covariance, problem.cross, widths, problem.deficient)
    scores = problem.variances[None, :] * best**2
    unit = jnp.max(scores, axis=-1, keepdims=True) / TIES
    return jnp.round(scores / unit) * unit


def random(key: Array, coef: Coef, fit: Fit | None = None) -> Scores:
    """A uniform order, the control; one order of all features, so that the kept sets of two widths are coupled.

    Args:
        key: One typed JAX key.
        coef: Coefficients (W, d), of which only shape and type are used.
        fit: Not used; it makes this a rule.

    Returns:
        Scores (W, d), the same in every row.
    """
    return jnp.broadcast_to(jax.random.uniform(key, coef.shape[-1:], coef.dtype), coef.shape)


def grouped(rule: Rule, size: int) -> Rule:
    """Block pruning: a rule that keeps or prunes consecutive groups of features as a whole.

    A group's score is the root of the sum of squares of the scores that ``rule`` gives its members. Kept counts must be
    multiples of ``size`` for groups to stay whole.

    Args:
        rule: The rule that scores single features.
        size: Features in a group, an integer >= 1 that divides d and every width.

    Returns:
        The rule of groups.

    Raises:
        ValueError: For a size that is not an integer >= 1, or, when used, divides not every width and d.
    """
    check_count("size", size, "features")

    def together(key: Array, coef: Coef, fit: Fit) -> Scores:
        torn = [count for count in (*fit.path.widths, coef.shape[-1]) if not traced(count) and count % size]
        if torn:
            raise ValueError(f"size: {size} does not divide {torn[0]} features; use a divisor of every width and of d")
        scores = rule(key, coef, fit)
        blocks = scores.reshape(len(scores), -1, size)
        return jnp.repeat(jnp.linalg.norm(blocks, axis=-1), size, axis=-1)

    return together


def scores(rule: Rule, path: Path, problem: Problem | None, key: Key[Array, ""]) -> Scores:
    """What a rule makes of the coefficients of every width.

    Args:
        rule: The rule.
        path: Fits of W widths.
        problem: The population; None where the rule does not need it.
        key: One typed JAX key, for the rule.

    Returns:
        Scores (W, d).
    """
    return rule(key, path.coef, Fit(path, problem))


def ranking(path: Path, problem: Problem | None, rules: Collection[Rule], key: Key[Array, ""]) -> Int[Array, "W R d"]:
    """The features of each width in the order in which each rule keeps them; absent features come last.

    Args:
        path: Fits of W widths.
        problem: The population; None where no rule needs it.
        rules: R rules, in a list.
        key: One typed JAX key, the same for each rule.

    Returns:
        Indices of features (W, R, d), the first kept first. Where a score is NaN, as after a fit that failed, there is no
        order: -1 throughout, and NaN for whatever is built on it.

    Raises:
        ValueError: For rules that are not one or more functions in a list.
    """
    check_rules(rules)
    live = jnp.arange(path.coef.shape[-1])[None, :] < jnp.asarray(path.widths)[:, None]
    return argsort_live(jnp.stack([scores(rule, path, problem, key) for rule in rules], axis=1), live[:, None, :])


def check_rules(rules: Collection[Rule]) -> None:
    """Refuses what is not one or more functions in a list, a tuple or the values of a mapping.

    Args:
        rules: What is looked at.

    Raises:
        ValueError: For a single function, a text, none at all, and what is no function.
    """
    if callable(rules) or isinstance(rules, str):
        raise ValueError(f"rules: {getattr(rules, '__name__', rules)!r} is no list; use a list of rules, [pruning.magnitude]")
    if not isinstance(rules, Collection) or not rules:
        raise ValueError("rules: none is given; use one or more, such as [pruning.magnitude]")
    for rule in rules:
        if not callable(rule):
            raise ValueError(f"rules: {rule!r} is no rule; use functions, such as pruning.magnitude")


def check_population(data: Data) -> None:
    """Refuses data with an intercept: the population's moments do not say what it costs.

    Args:
        data: The sample whose fits are meant.

    Raises:
        ValueError: For a sample with an intercept.
    """
    if data.intercept:
        raise ValueError(
            "data: fits with an intercept have no exact risk here; use leave_one_out and risk_estimators, or rows without"
        )


def risk_surface(path: Path, problem: Problem, order: Int[Array, "W R d"], kept: Counts) -> Float[Array, "W R K"]:
    """Exact population risk of every pruned model: width x rule x kept count.

    Args:
        path: Fits of W widths, without an intercept.
        problem: The population.
        order: Indices of features (W, R, d), as of ``ranking``.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d; a count above the width keeps all.

    Returns:
        Risks (W, R, K), NaN where there is no order.

    Raises:
        ValueError: For kept counts that are not strictly increasing integers in 0 .. d, and for fits with an intercept.
    """
    kept = least_squares.strictly_increasing("kept", kept, 0, problem.dim)
    check_population(path.data)
    counts = jnp.minimum(jnp.asarray(kept)[None, :], jnp.asarray(path.widths)[:, None])
    if not diagonal(problem):
        masked = one_pass.pruned(path.coef, order, counts)
        return jnp.where(order[..., :1] < 0, jnp.nan, problem.risk(masked))
    # With a diagonal covariance errors add up: of the kept coefficients from the front, of the others from the back.
    eigs, teacher = (jnp.asarray(a)[None, :] for a in (problem.eigs, problem.teacher))
    wrong = (eigs * (path.coef - teacher) ** 2)[:, None]
    wrong = jnp.take_along_axis(wrong, order[..., : kept[-1]], axis=-1)
    wrong = jnp.pad(jnp.cumsum(wrong, axis=-1), ((0, 0), (0, 0), (1, 0)))
    lost = jax.lax.cumsum(jnp.asarray(problem.eigs * problem.teacher**2)[order], axis=2, reverse=True)
    lost = jnp.pad(lost, ((0, 0), (0, 0), (0, 1)))
    at = jnp.broadcast_to(counts[:, None], (*order.shape[:2], len(kept)))
    found = problem.noise**2 + jnp.take_along_axis(wrong, at, axis=-1) + jnp.take_along_axis(lost, at, axis=-1)
    return jnp.where(order[..., :1] < 0, jnp.nan, found)


def risks(
    path: Path, problem: Problem, rules: Collection[Rule], kept: Counts, key: Key[Array, ""], fresh: Data | None = None
) -> dict[str, Array]:
    """Exact population risks under the names that predictions know.

    Args:
        path: Fits of W widths, without an intercept.
        problem: The population.
        rules: R rules, in a list.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d.
        key: One typed JAX key, the same for each rule.
        fresh: Another sample, on which pruned supports are refitted too; None for none.

    Returns:
        A dict: ``risk`` (W,), ``pruned_risk`` (W, R, K), ``retrained_same`` (W, R, K) on the sample of ``path`` and, given a
        fresh one, ``retrained_fresh`` (W, R, K).
    """
    order = ranking(path, problem, rules, key)
    if isinstance(problem, BlockedPopulation):
        check_population(path.data)
        return one_pass.risks(path, problem, order, kept, fresh)
    found = {
        "risk": problem.risk(path.coef),
        "pruned_risk": risk_surface(path, problem, order, kept),
        "retrained_same": retrained_surface(path.data, problem, order, path.widths, kept),
    }
    if fresh is not None:
        found["retrained_fresh"] = retrained_surface(fresh, problem, order, path.widths, kept)
    return found


def retrained_surface(
    data: Data, problem: Problem, order: Int[Array, "W R d"], widths: Counts, kept: Counts
) -> Float[Array, "W R K"]:
    """Exact population risk after refitting every pruned support.

    Args:
        data: The sample that is refitted, the training sample or a fresh one, without an intercept.
        problem: The population.
        order: Indices of features (W, R, d), as of ``ranking``.
        widths: The W widths that were fitted.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d; a count above the width keeps all.

    Returns:
        Risks (W, R, K), NaN where there is no order.

    Raises:
        ValueError: For a sample with an intercept.
    """
    check_population(data)
    rules, dim = order.shape[1:]
    moments = least_squares.shared_moments(data, len(widths) * rules, max(kept))

    flat, ends = order.reshape(-1, dim), jnp.repeat(jnp.asarray(widths), rules)

    def whole(cell):
        width, chosen = cell
        return problem.risk(least_squares.retrain_path(data, chosen, kept, width, moments))

    def by_parts(cell):  # with a diagonal covariance errors add up: of the features refitted, and of all others
        width, chosen, eigs, teacher = cell
        coef = least_squares.leading_refits(data, chosen, kept, width, moments)
        return jnp.sum(eigs * (coef - teacher) ** 2, axis=1)

    if not diagonal(problem):
        return each(whole, (ends, flat)).reshape(*order.shape[:2], -1)
    leading, others = flat[:, : max(max(kept), 1)], flat[:, max(max(kept), 1) :]
    eigs, teacher = jnp.asarray(problem.eigs), jnp.asarray(problem.teacher)
    wrong = each(by_parts, (ends, flat, eigs[leading][:, None], teacher[leading][:, None]))
    risks = problem.noise**2 + wrong + jnp.sum((eigs * teacher**2)[others], axis=1)[:, None]
    return risks.reshape(*order.shape[:2], -1)
