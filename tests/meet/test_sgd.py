"""SGD with multiplicative noise meets its theory: growth rates, moments, second moments, tail indices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import MultiplicativeSGD
from jaxprune.simulate.sgd import linear as simulate
from jaxprune.simulate.tails import extreme, stable_model
from jaxprune.theory.sgd import linear as theory
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")
PLANE = MultiplicativeSGD(step_size=0.65, noise_sd=1.0, batch=1, dim=2)  # tail index 1.02688685
SETTINGS = [(0.8, 1, 1), (0.65, 1, 2), (0.3, 5, 10), (0.75, 5, 10)]  # the last has no stationary law


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_growth_rates(setting):
    step, batch, dim = setting
    problem = MultiplicativeSGD(step_size=step, noise_sd=1.0, batch=batch, dim=dim)
    found = simulate.growth(problem, jax.random.key(1), chains=5000, steps=10)
    judge.statistical(found, theory.lyapunov(*setting), spoil=1.2)


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 3.0])
def test_moments_of_one_step(order):
    sizes = simulate.growth(PLANE, jax.random.key(2), chains=100_000, steps=1)
    spoil = 1.1 if order < 3 else 1.5  # the third moment spreads
    judge.statistical(np.exp(order * np.asarray(sizes)), theory.moment(order, 0.65, 1, 2), spoil)


def test_second_moment_by_the_polynomial():
    sizes = simulate.growth(PLANE, jax.random.key(3), chains=100_000, steps=1)
    judge.statistical(np.exp(2 * np.asarray(sizes)), theory.second_moment(0.65, 1, 2))


def test_population_dynamics():
    found = simulate.moment_growth(PLANE, 1.0, jax.random.key(4), particles=5000, steps=300)
    exact = theory.moment(1.0, 0.65, 1, 2)
    error = float(found.error)
    assert bool(found.valid) and abs(float(found.value) - exact) < 6 * error
    assert abs(float(found.value) - 1.02 * exact) > 6 * error  # the spoiled twin
    # an independent population: 0.995945 +- 0.000257
    assert abs(float(found.value) - 0.995944577) < 4 * np.hypot(error, 0.000257)


@pytest.mark.slow
def test_population_dynamics_find_the_tail_index():
    orders = jnp.array([0.8, 1.0, 1.2])
    keys = jax.random.split(jax.random.key(5), 3)
    rates = jax.vmap(lambda s, k: simulate.moment_growth(PLANE, s, k, particles=3000, steps=200))(orders, keys)
    found = simulate.crossing(orders, rates)
    exact = theory.tail_index(0.65, 1, 2)
    assert abs(float(found.value) - exact) < 5 * float(found.error) + 0.005  # the straight line between two orders
    assert abs(float(found.value) - 1.15 * exact) > 5 * float(found.error) + 0.005


@pytest.mark.slow
def test_anisotropic_inputs_agree_with_isotropic_ones_where_they_are_the_same():
    same = MultiplicativeSGD(step_size=0.65, noise_sd=1.0, batch=1, dim=2, input_sd=np.ones(2))
    found = simulate.moment_growth(same, 1.0, jax.random.key(4), particles=5000, steps=300)
    other = simulate.moment_growth(PLANE, 1.0, jax.random.key(4), particles=5000, steps=300)
    judge.exact(found.value, other.value, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("setting, noise", [((0.3, 5, 10), 1.0), ((0.3, 2, 5), 1.5)])
def test_stationary_second_moment(setting, noise):
    step, batch, dim = setting
    problem = MultiplicativeSGD(step_size=step, noise_sd=noise, batch=batch, dim=dim)
    found = simulate.run(problem, jax.random.key(6), chains=6000, steps=80)
    squares = np.asarray(extreme.norms(found.position)) ** 2
    judge.statistical(squares, theory.stationary_second_moment(step, batch, dim, 1.0, noise))
    if setting == (0.3, 5, 10):  # an independent simulation: 0.578061 +- 0.002003
        error = np.hypot(0.002002531, squares.std() / np.sqrt(len(squares)))
        assert abs(squares.mean() - 0.5780608853711112) < 4 * error


@pytest.mark.slow
def test_tail_index_of_the_stationary_law():
    """By Hill, by moments, and by block sums of time averages; the reference's Hill reads 1.0386 +- 0.0328."""
    found = simulate.run(PLANE, jax.random.key(7), chains=40_000, steps=200)
    exact = theory.tail_index(0.65, 1, 2)
    assert bool(jnp.all(found.alive))
    hill = extreme.hill(found.position, 400)
    assert abs(float(hill.value) - 1.0385732637) < 4 * np.hypot(0.0328426, float(hill.error))
    for estimate in (hill, extreme.moment(found.position, 800), extreme.de_haan(found.position, 800)):
        assert bool(estimate.valid) and abs(float(estimate.value) - exact) < 4 * float(estimate.error)
    averages = stable_model.block_log_moment(found.average, 10)
    assert abs(float(averages.value) - exact) < 0.1  # averages are stable in the limit of many steps
    for estimate in (hill, averages):  # the spoiled twin: the tail index of a smaller step
        assert abs(float(estimate.value) - theory.tail_index(0.5, 1, 2)) > 6 * float(estimate.error) + 0.1


@pytest.mark.slow
def test_light_tails_have_normal_averages():
    calm = MultiplicativeSGD(step_size=0.1, noise_sd=1.0, batch=5, dim=2)
    found = simulate.run(calm, jax.random.key(8), chains=5000, steps=200)
    block = stable_model.block_log_moment(found.average, 10)
    assert theory.tail_index(0.1, 5, 2) > 4 and abs(float(block.value) - 2) < 5 * float(block.error)
    assert float(extreme.moment(found.position, 100).inverse) < 0.5


@pytest.mark.slow
def test_finite_data_grow_at_the_predicted_rate():
    """d = 100, batches of one among 10^4 points, step 0.04: an independent run found 0.0366 where theory for fresh samples says 0.0370."""
    features = jax.random.normal(jax.random.key(9), (10_000, 100), float)
    rows = simulate.Rows(features, jnp.zeros(10_000), 0.04, 1)
    found = np.asarray(simulate.growth(rows, jax.random.key(10), chains=20, steps=600, burn=100))
    exact = theory.lyapunov(0.04, 1, 100)
    assert abs(found.mean() / exact - 1) < 0.1 and exact == pytest.approx(0.0370, abs=1e-4)
    judge.statistical(found, exact, spoil=1.5)
