"""Kernels against Monte Carlo and against theory's own formulas; draws are nested; populations are exact."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import teachers
from jaxprune.problems import RandomFeatures
from jaxprune.problems import random_features as problems
from jaxprune.simulate import kernels, least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from jaxprune.theory import random_features as theory
from jaxprune.theory.random_features import kernels as gaussian_kernels
from tests import grades as judge


def exact_gelu(x):
    return jax.nn.gelu(x, approximate=False)


ACTIVATIONS = dict(
    relu=jax.nn.relu,
    erf=jax.scipy.special.erf,
    tanh=jnp.tanh,
    sigmoid=jax.nn.sigmoid,
    gelu=exact_gelu,
    sine=jnp.sin,
)


def rows(count, d_in, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(count, d_in)) / np.sqrt(d_in)


def problem(activation=jax.nn.relu, network=False, dim=12, d_in=6, n=40, **options):
    inner = rows(3, d_in, seed=9) if network else None
    teacher = np.array([1.0, -0.7, 0.4]) if network else teachers.cosine(np.ones(d_in))
    return RandomFeatures(teacher, 0.3, n, dim, activation, inner, **options)


@functools.cache
def programs(name):
    """The three kernels of an activation, compiled."""
    made = (kernels.second_moments, kernels.cross_moments, kernels.linear_moments)
    return [jax.jit(functools.partial(function, ACTIVATIONS[name])) for function in made]


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("d_in, scale", [(50, 1.0), (6, 1.0), (20, 2.0)])
def test_kernels_are_those_of_theory(x64, name, d_in, scale):
    """Hermite series against quadrature, and the closed forms against other closed forms; zeros give all rows one length."""
    weights, others = (np.pad(r, ((0, 0), (0, 50 - d_in))) for r in (rows(40, d_in, scale=scale), rows(7, d_in, seed=1)))
    second, cross, slopes = programs(name)
    found, mixed, linear = second(weights), cross(weights, others), slopes(weights, others[0])
    for value, expected in (
        (found, gaussian_kernels.moments(name, weights)),
        (mixed, gaussian_kernels.moments(name, weights, others)),
        (linear, gaussian_kernels.slopes(name, weights) * (weights @ others[0])),
    ):
        value = np.asarray(value)
        known = np.isfinite(value)
        assert np.mean(known) > 0.8 and (known.all() or scale > 1 or d_in < 10)
        judge.exact(value[known], expected[known], 1e-9)


def test_series_is_the_closed_form(x64):
    """erf and sine through the series that any callable takes, against arcsine and hyperbolic sine."""
    weights = rows(30, 30)
    size, gram = np.linalg.norm(weights, axis=1), weights @ weights.T
    by_series = kernels.second_moments(lambda x: jax.lax.erf(x), jnp.asarray(weights))
    judge.exact(by_series, kernels.second_moments(jax.lax.erf, jnp.asarray(weights)), 1e-12)
    sines = np.exp(-(size[:, None] ** 2 + size**2) / 2) * np.sinh(gram)
    judge.exact(kernels.second_moments(jnp.sin, jnp.asarray(weights)), sines, 1e-12)


def test_a_series_that_has_not_converged_is_nan(x64):
    """A kink makes it slow: right where the cosine is small, NaN where rows are nearly parallel, never wrong."""

    def leaky(x):
        return jnp.where(x > 0, x, 0.1 * x)

    base = rows(20, 40)
    near = np.concatenate([base, base[:1] + 1e-3])
    relu = gaussian_kernels.moments("relu", np.concatenate([near, -near]))
    plus, minus, mixed = relu[:21, :21], relu[21:, 21:], relu[:21, 21:]
    expected = plus + 0.01 * minus - 0.1 * (mixed + mixed.T)
    found = np.asarray(kernels.second_moments(leaky, jnp.asarray(near)))
    assert np.isnan(found[0, 20]) and np.isnan(found[20, 0]) and np.isnan(found).sum() == 2
    judge.exact(found[np.isfinite(found)], expected[np.isfinite(found)], 1e-9)


def test_digits_survive_where_rows_nearly_coincide(x64):
    """1 - cos of 1e-14: the kernel is good to round-off, and its diagonal is exact."""
    weights = np.array([[1.0, 0.0], [np.cos(1e-7), np.sin(1e-7)], [-1.0, 1e-9]])
    angle = np.array([[0, 1e-7, np.pi - 1e-9], [1e-7, 0, np.pi - 1e-9 - 1e-7], [np.pi - 1e-9, np.pi - 1e-9 - 1e-7, 0]])
    found = np.asarray(kernels.second_moments(jax.nn.relu, jnp.asarray(weights)))
    expected = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-16)
    assert np.all(np.diag(found) == 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name, network", [("relu", False), ("tanh", True)])
def test_population_is_monte_carlo(x64, name, network):
    """Moments of 40,000 drawn samples, in 200 groups, against the population; a wrong one is noticed."""
    point = problem(ACTIVATIONS[name], network, n=200)
    weights = random_features.draw_weights(point, jax.random.key(1))
    draws = jax.jit(jax.vmap(lambda k: random_features.draw(point, weights, k)))
    data = draws(jax.random.split(jax.random.key(2), 200))
    x, y = np.asarray(data.features), np.asarray(data.target)
    found = np.concatenate(
        [np.einsum("gin,gjn->gij", x, x).reshape(200, -1), np.einsum("gin,gn->gi", x, y), np.sum(y**2, 1)[:, None]], axis=1
    )
    population = random_features.population(point, weights)
    expected = np.concatenate([np.ravel(population.covariance), population.cross, [population.energy]])
    judge.statistical(found / 200, expected)
    moments = theory.moments(np.asarray(weights), point.teacher, 0.3, name, point.inner)
    judge.exact(expected, np.concatenate([moments.covariance.ravel(), moments.cross, [moments.energy]]), 1e-12)


def test_draws_are_nested(x64):
    """A narrower model has the first features of a wider one; a smaller sample is the beginning of a larger one."""
    wide, narrow, longer = problem(dim=12), problem(dim=5), problem(dim=12, n=60)
    keys = jax.random.split(jax.random.key(0))
    weights, fewer = (random_features.draw_weights(p, keys[0]) for p in (wide, narrow))
    np.testing.assert_array_equal(weights[:5], fewer)
    data = random_features.draw(wide, weights, keys[1])
    np.testing.assert_allclose(data.features[:5], random_features.draw(narrow, fewer, keys[1]).features, rtol=1e-14)
    more = random_features.draw(longer, weights, keys[1])
    np.testing.assert_allclose(more.features[:, :40], data.features, rtol=1e-14)
    np.testing.assert_allclose(more.target[:40], data.target, rtol=1e-12)
    assert float(jnp.var(random_features.draw_weights(problem(dim=4000), keys[0]) * np.sqrt(6))) == pytest.approx(1, abs=0.05)


def test_a_trial_can_be_conditioned_on_its_features(x64):
    weights = rows(12, 6)
    point = problem(weights=weights)
    np.testing.assert_array_equal(random_features.draw_weights(point, jax.random.key(0)), weights)
    assert len(jax.tree.leaves(point)) == 3 and point.dim == 12 and point.d_in == 6


@pytest.mark.slow
@pytest.mark.parametrize("network", [False, True])
def test_surfaces_take_a_population(x64, network):
    """Risks of every pruned and refitted model are the quadratic form, cell by cell, with no test set."""
    point, kept, widths = problem(jnp.tanh, network, n=9), [3, 6], [4, 8, 12]
    keys = jax.random.split(jax.random.key(3), 3)
    weights = random_features.draw_weights(point, keys[0])
    population, data = random_features.population(point, weights), random_features.draw(point, weights, keys[1])
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, population, [pruning.magnitude, pruning.hessian, pruning.oracle], keys[2])
    pruned = pruning.risk_surface(path, population, order, kept)
    retrained = pruning.retrained_surface(data, population, order, widths, kept)
    moments = theory.moments(np.asarray(weights), point.teacher, 0.3, "tanh", point.inner)
    x, y = np.asarray(data.features).T, np.asarray(data.target)
    for w, r, k in np.ndindex(3, 3, 2):
        chosen = np.asarray(order[w, r, : min(kept[k], widths[w])])
        refit = np.linalg.lstsq(x[:, chosen], y, rcond=None)[0]
        for coef, found in ((np.asarray(path.coef)[w, chosen], pruned), (refit, retrained)):
            inside = moments.covariance[np.ix_(chosen, chosen)]
            risk = moments.energy - 2 * coef @ moments.cross[chosen] + coef @ inside @ coef
            judge.exact(found[w, r, k], risk, 1e-9)


GOOD = dict(teacher=np.ones(3), noise=0.3, n=10, dim=4)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n", 0), ("n", True), ("dim", 0), ("dim", 2.0), ("noise", -0.1), ("noise", np.nan), ("noise", np.ones(2)),
        ("teacher", np.ones(0)), ("teacher", np.ones((2, 2))), ("teacher", np.array([1, 2, 3])), ("teacher", np.full(3, np.inf)),
        ("activation", "relu"), ("activation", None), ("inner", np.ones(3)), ("inner", np.ones((2, 5))),
        ("inner", np.ones((3, 0))), ("weights", np.ones((4, 2))), ("weights", np.ones((3, 3))), ("weights", np.eye(4)[:, :3]),
        ("weights", np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 2, 0]])),
        ("weights", np.full((4, 3), np.nan)),
    ],
)  # fmt: skip
def test_bad_problem_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        RandomFeatures(**{**GOOD, name: value})


def test_what_is_parallel_depends_on_the_activation():
    opposite = np.array([[1.0, 0.5], [-2.0, -1.0]])
    RandomFeatures(np.ones(2), 0.1, 5, 2, jax.nn.relu, weights=opposite)
    with pytest.raises(ValueError, match="^weights: rows 0 and 1 are parallel"):
        RandomFeatures(np.ones(2), 0.1, 5, 2, jnp.tanh, weights=opposite)


@pytest.mark.parametrize("first, second", [(0, 4), (2, 3), (5, 6)])
def test_parallel_rows_are_found_across_blocks(monkeypatch, first, second):
    monkeypatch.setattr(problems, "BLOCK", 3)
    weights = rows(7, 5)
    RandomFeatures(np.ones(5), 0.1, 5, 7, weights=weights)
    weights[second] = 2 * weights[first]
    with pytest.raises(ValueError, match=f"^weights: rows {first} and {second} are parallel"):
        RandomFeatures(np.ones(5), 0.1, 5, 7, weights=weights)
