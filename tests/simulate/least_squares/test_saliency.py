"""Saliencies and compensation against a surgeon written out in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian, Population
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning, saliency
from tests import grades as judge

DIM, N = 24, 12
WIDTHS, KEPT = [1, 5, 11, 12, 18, 24], [0, 1, 4, 9, 24]
KEY = jax.random.key(0)


def covariance(rho=0.8):
    scale = np.sqrt(spectra.power(DIM, 0.7, 3.0))
    return spectra.ar1(DIM, rho) * np.outer(scale, scale)


def gaussian(n=N):
    return LinearGaussian.from_covariance(covariance(), teachers.cosine(np.ones(DIM)), 0.3, n)


def population():
    sigma, teacher = covariance(), teachers.cosine(np.ones(DIM))
    return Population(sigma, sigma @ teacher, teacher @ sigma @ teacher + 0.09)


def fitted(problem=None, widths=WIDTHS):
    return least_squares.min_norm_path(least_squares.draw(gaussian(), jax.random.key(3)), widths)


def surgeon(coef, sigma, removed):
    """Remove coefficients one after another; after each the others move to the closest model. Costs and coefficients."""
    inverse, costs = np.linalg.inv(sigma), []
    coef = coef.copy()
    alive = list(range(len(coef)))
    for feature in removed:
        inverse = np.linalg.inv(sigma[np.ix_(alive, alive)])
        at = alive.index(feature)
        costs.append(coef[feature] ** 2 / inverse[at, at])
        coef[alive] -= inverse[:, at] * coef[feature] / inverse[at, at]
        alive.remove(feature)
    return coef, costs


@pytest.mark.slow
@pytest.mark.parametrize("problem", [gaussian(), population()], ids=["gaussian", "population"])
def test_obs_is_the_cost_of_removing_one(x64, problem):
    path, sigma = fitted(), covariance()
    scores = pruning.scores(saliency.obs, path, problem, KEY)
    for coef, score, p in zip(np.asarray(path.coef), scores, WIDTHS, strict=True):
        precision = np.linalg.inv(sigma[:p, :p])
        judge.exact(score[:p], np.abs(coef[:p]) / np.sqrt(np.diag(precision)), 1e-9)
        for i in range(p):
            change = surgeon(coef[:p], sigma[:p, :p], [i])[0] - coef[:p]
            judge.exact(score[i] ** 2, change @ sigma[:p, :p] @ change, 1e-8)


@pytest.mark.parametrize("problem", [gaussian(), population()], ids=["gaussian", "population"])
def test_greedy_removes_the_cheapest_again_and_again(x64, problem):
    path, sigma = fitted(), covariance()
    scores = np.asarray(pruning.scores(saliency.obs_greedy, path, problem, KEY))
    differs = 0
    for coef, score, p in zip(np.asarray(path.coef), scores, WIDTHS, strict=True):
        b, alive, removed = coef[:p].copy(), list(range(p)), []
        while alive:
            inverse = np.linalg.inv(sigma[np.ix_(alive, alive)])
            at = int(np.argmin(b[alive] ** 2 / np.diag(inverse)))
            removed.append(alive[at])
            b[alive] -= inverse[:, at] * b[alive[at]] / inverse[at, at]
            alive.pop(at)
        np.testing.assert_array_equal(np.argsort(score[:p]), removed)
        one_shot = np.argsort(np.asarray(pruning.scores(saliency.obs, path, problem, KEY))[WIDTHS.index(p), :p])
        differs += not np.array_equal(one_shot, removed)
    assert differs  # the spoiled twin: without computing anew the order is another


@pytest.mark.slow
@pytest.mark.parametrize("problem", [gaussian(), population()], ids=["gaussian", "population"])
def test_compensation_is_the_closest_model_on_the_support(x64, problem):
    path, sigma = fitted(), covariance()
    order = pruning.ranking(path, problem, [pruning.magnitude, saliency.obs_greedy], KEY)
    found = saliency.compensated_surface(path, problem, order, KEPT)
    plain = pruning.risk_surface(path, problem, order, KEPT)
    assert found.shape == plain.shape
    for w, p in enumerate(WIDTHS):
        coef = np.asarray(path.coef[w])
        for r in range(2):
            for k, s in enumerate(KEPT):
                chosen, pruned = np.asarray(order[w, r, : min(s, p)]), np.asarray(order[w, r, min(s, p) : p])
                moved = np.zeros(DIM)
                moved[chosen] = coef[chosen] + np.linalg.solve(
                    sigma[np.ix_(chosen, chosen)], sigma[np.ix_(chosen, pruned)] @ coef[pruned]
                )
                judge.exact(found[w, r, k], problem.risk(jnp.asarray(moved)), 1e-9)
                by_surgeon = np.zeros(DIM)
                by_surgeon[:p] = surgeon(coef[:p], sigma[:p, :p], pruned)[0]
                np.testing.assert_allclose(by_surgeon[chosen], moved[chosen], rtol=1e-6, atol=1e-9)
    assert np.max(np.abs(found / plain - 1)) > 0.1  # and it is not the plain pruned model


def test_one_removal_costs_its_saliency(x64):
    """The trained model as its own teacher: the compensated risk without feature i is the saliency of i."""
    path, problem = fitted(widths=[DIM]), gaussian()
    trained = LinearGaussian(problem.eigs, np.asarray(path.coef[0]), 0.0, N, problem.basis)
    order = pruning.ranking(path, trained, [saliency.obs], KEY)
    risk = saliency.compensated_surface(path, trained, order, [DIM - 1])[0, 0, 0]
    judge.exact(risk, jnp.min(pruning.scores(saliency.obs, path, trained, KEY)) ** 2, 1e-7)


def test_a_diagonal_covariance_knows_no_difference(x64):
    """As a diagonal: the very same numbers. As a matrix: the general code gives them."""
    eigs = spectra.power(DIM, 0.8, 3.0)
    plain = LinearGaussian(eigs, teachers.cosine(eigs), 0.3, N)
    matrix = LinearGaussian(eigs, plain.teacher, plain.noise, N, basis=np.eye(DIM))
    path = least_squares.min_norm_path(least_squares.draw(plain, jax.random.key(1)), WIDTHS)
    hessian = pruning.scores(pruning.hessian, path, plain, KEY)
    np.testing.assert_array_equal(pruning.scores(saliency.obs, path, plain, KEY), hessian)
    np.testing.assert_array_equal(pruning.scores(saliency.obs_greedy, path, plain, KEY), hessian)
    judge.exact(pruning.scores(saliency.obs, path, matrix, KEY), hessian, 1e-12)
    rules = [pruning.hessian, saliency.obs, saliency.obs_greedy]
    for problem in (plain, matrix):
        order = pruning.ranking(path, problem, rules, KEY)
        np.testing.assert_array_equal(order, np.broadcast_to(order[:, :1], order.shape))
        pruned = pruning.risk_surface(path, problem, order, KEPT)
        judge.exact(saliency.compensated_surface(path, problem, order, KEPT), pruned, 1e-11)


def test_the_greedy_keeps_the_lower_of_equals(x64):
    basis = np.eye(6)
    problem = LinearGaussian(np.ones(6), np.ones(6), 0.1, 4, basis)
    path = least_squares.Path(fitted().data, jnp.ones((2, 6)), jnp.zeros(2), jnp.zeros(2), (4, 6))
    np.testing.assert_array_equal(pruning.ranking(path, problem, [saliency.obs_greedy], KEY)[:, 0], [range(6), range(6)])


def test_empirical_obs_reads_the_sample(x64):
    path, ridge = fitted(), 0.2
    x = np.asarray(path.data.features)
    scores = pruning.scores(saliency.empirical_obs(ridge), path, gaussian(), KEY)
    for coef, score, p in zip(np.asarray(path.coef), scores, WIDTHS, strict=True):
        precision = np.linalg.inv(x[:p] @ x[:p].T / N + ridge * np.eye(p))
        judge.exact(score[:p], np.abs(coef[:p]) / np.sqrt(np.diag(precision)), 1e-9)
    large = least_squares.draw(gaussian(20000), jax.random.key(2))
    path = least_squares.min_norm_path(large, [DIM])
    ratio = pruning.scores(saliency.empirical_obs(1e-9), path, gaussian(), KEY) / pruning.scores(
        saliency.obs, path, gaussian(), KEY
    )
    assert np.max(np.abs(np.asarray(ratio) - 1)) < 0.05


def test_dependent_features_are_refused_or_solved_by_rank(x64):
    root = np.random.default_rng(0).normal(size=(DIM, DIM))
    root[1] = root[0]
    sigma = root @ root.T / DIM
    problem = LinearGaussian.from_covariance(sigma, np.ones(DIM), 0.1, N)
    path = least_squares.min_norm_path(least_squares.draw(problem, jax.random.key(1)), [10, DIM])
    for rule in (saliency.obs, saliency.obs_greedy):
        with pytest.raises(ValueError, match="^problem: "):
            pruning.scores(rule, path, problem, KEY)
    order = pruning.ranking(path, problem, [pruning.magnitude], KEY)
    found = saliency.compensated_surface(path, problem, order, KEPT)
    for w, p in enumerate(path.widths):
        for k, s in enumerate(KEPT):
            chosen, moved = np.asarray(order[w, 0, : min(s, p)]), np.zeros(DIM)
            image = sigma[chosen] @ np.asarray(path.coef[w])
            moved[chosen] = np.linalg.pinv(sigma[np.ix_(chosen, chosen)], rcond=1e-10) @ image
            judge.exact(found[w, 0, k], problem.risk(jnp.asarray(moved)), 1e-7)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan, np.inf])
def test_a_bad_ridge_is_named(ridge):
    with pytest.raises(ValueError, match="^ridge: "):
        saliency.empirical_obs(ridge)


def test_bad_kept_counts_are_named(x64):
    path = fitted()
    order = pruning.ranking(path, gaussian(), [pruning.magnitude], KEY)
    with pytest.raises(ValueError, match="^kept: "):
        saliency.compensated_surface(path, gaussian(), order, [3, 3])
