"""Risks by blocks against the whole covariance, at sizes that blocks do not divide, and what they hold in memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import RandomFeatures
from jaxprune.simulate import least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from tests import grades as judge
from tests.simulate.random_features.test_gaussian import problem, rows

KEYS = jax.random.split(jax.random.key(5), 4)
DIM, BLOCK = 23, 6


def both(activation, network=False, block=BLOCK):
    point = problem(activation, network, dim=DIM, d_in=20, weights=rows(DIM, 20))
    weights = jnp.asarray(point.weights)
    return random_features.population(point, weights), random_features.blocked_population(point, weights, block)


@pytest.mark.parametrize(
    "activation, network, block", [(jax.nn.relu, False, BLOCK), (jnp.tanh, True, 10), (jnp.tanh, False, 99)]
)
def test_blocks_are_the_whole(x64, activation, network, block):
    """Risks of many coefficients at once, in any shape, their gradient, and the moments that rules look at."""
    coef = jax.random.normal(KEYS[0], (2, 3, DIM))

    def seen(population, coef):
        slopes = jax.grad(lambda c: jnp.sum(population.risk(c)))(coef)
        parts = population.risk(coef), slopes, population.cross, population.energy, population.variances
        return [*parts, population.covariance]

    for found, expected in zip(*(jax.jit(seen)(p, coef) for p in both(activation, network, block)[::-1]), strict=True):
        judge.exact(found, expected, 1e-13)


@pytest.mark.slow
def test_all_models_meet_the_population_together(x64):
    """``pruning.risks``, under vmap."""
    whole, blocked = both(jax.nn.relu)
    point = problem(jax.nn.relu, dim=DIM, d_in=20, n=9)
    samples = jax.vmap(lambda key: random_features.draw(point, blocked.weights, key))(jax.random.split(KEYS[1], 4))
    samples = jax.tree.map(lambda a: a.reshape(2, 2, *a.shape[1:]), samples)

    def risks(population, data):
        same, fresh = (jax.tree.map(lambda a, i=i: a[i], data) for i in range(2))
        path = least_squares.min_norm_path(same, [4, 9, DIM])
        rules = [pruning.magnitude, pruning.hessian, pruning.oracle]
        return pruning.risks(path, population, rules, [2, 7], KEYS[2], fresh)

    expected, found = (jax.jit(jax.vmap(lambda data, p=p: risks(p, data)))(samples) for p in (whole, blocked))
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        assert values.shape == found[name].shape
        judge.exact(found[name], values, 1e-9)


def test_what_the_kernel_cannot_give_is_nan(x64):
    """One entry of the covariance, in the last block, makes every risk NaN, as there; a failed fit only its own."""

    def leaky(x):
        return jnp.where(x > 0, x, 0.1 * x)

    near = rows(DIM, 20)
    near[-1] = near[0] + 1e-3
    point = problem(leaky, dim=DIM, d_in=20)
    populations = [f(point, jnp.asarray(near)) for f in (random_features.population, random_features.blocked_population)]
    coef = jnp.ones((2, DIM))
    assert all(np.all(np.isnan(p.risk(coef))) for p in populations)
    assert np.isnan(both(leaky)[1].risk(coef.at[0].set(jnp.nan))).tolist() == [True, False]


def temporaries(made, dim, coefficients=1):
    """Bytes beside arguments and results."""
    point = RandomFeatures(np.ones(8), 0.3, 10, dim)

    def risk(weights, coef):
        return made(point, weights).risk(coef)

    shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((dim, 8), (coefficients, dim)))
    return jax.jit(risk).lower(*shapes).compile().memory_analysis().temp_size_in_bytes


def test_memory_is_linear_in_the_width():
    """A hundred thousand features in what their rows and a few blocks take; the whole covariance grows by the square."""

    def blocked(point, weights):
        return random_features.blocked_population(point, weights, 64)

    narrow, wide = (temporaries(blocked, dim) for dim in (10_000, 100_000))
    assert wide < 12 * narrow and wide < 4 * 100_000 * 32 + 2**20
    assert temporaries(random_features.population, 2000) > 3.5 * temporaries(random_features.population, 1000)


@pytest.mark.parametrize("block", [0, 2.0, True])
def test_bad_blocks_are_named(unchecked, block):
    with pytest.raises(ValueError, match="^block: "):
        random_features.blocked_population(problem(), jnp.ones((12, 6)), block)
