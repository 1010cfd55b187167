"""Chains of multiplicative SGD: one step by hand, growth without overflow, batches of rows, and bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import MultiplicativeSGD, TailSample
from jaxprune.simulate.sgd import linear
from jaxprune.simulate.sgd.linear import Rows
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")
KEY = jax.random.key(1)
SMALL = MultiplicativeSGD(step_size=0.5, noise_sd=1.0, batch=2, dim=3)


def walk(problem, key, chains, steps):
    """The recursion as it is written, in NumPy, on the same draws."""
    x, total = np.zeros((chains, problem.dim)), 0.0
    for k in range(steps):
        a, y = (np.asarray(v) for v in linear.draw(problem, jax.random.fold_in(key, k), chains))
        m = np.eye(problem.dim) - float(problem.step_size) / problem.batch * np.einsum("cbi,cbj->cij", a, a)
        x = np.einsum("cij,cj->ci", m, x) + float(problem.step_size) / problem.batch * np.einsum("cbi,cb->ci", a, y)
        total = total + (x if k >= steps // 2 else 0.0)
    return x, total / (steps - steps // 2)


def test_the_recursion_as_written():
    found = linear.run(SMALL, KEY, chains=5, steps=11)
    x, average = walk(SMALL, KEY, 5, 11)
    judge.exact(found.position, x)
    judge.exact(found.average, average)
    judge.exact(found.log_size, np.log(np.linalg.norm(x, axis=1)))
    assert bool(jnp.all(found.alive)) and found.first_bad.tolist() == [11] * 5


def test_chains_without_a_stationary_law_grow_on_and_are_counted():
    wild = MultiplicativeSGD(step_size=4.0, noise_sd=1.0, batch=1, dim=3)
    found = linear.run(wild, KEY, chains=50, steps=3000)
    assert not bool(jnp.any(found.alive)) and bool(jnp.all(jnp.isnan(found.average)))
    assert bool(jnp.all(jnp.isfinite(found.position))) and float(jnp.max(jnp.abs(found.position))) < linear.CAP
    rate = np.asarray(found.log_size) / 3000
    free = np.asarray(linear.growth(wild, jax.random.key(2), chains=50, steps=3000))
    assert rate.min() > 0.5  # e^(0.5 * 3000) is no floating-point number
    assert abs(rate.mean() - free.mean()) < 5 * np.hypot(rate.std(), free.std()) / np.sqrt(50)
    assert int(jnp.max(found.first_bad)) < 3000


def test_splitting_off_powers_of_two_changes_no_bit():
    wild = MultiplicativeSGD(step_size=3.0, noise_sd=1.0, batch=1, dim=2)
    far, near = (linear.run(wild, KEY, chains=20, steps=40, cap=cap) for cap in (1e300, 1e30))
    both = far.alive & near.alive & (far.log_size > np.log(linear.RENORM))
    assert int(jnp.sum(both)) > 5
    judge.exact(np.log(np.linalg.norm(far.position, axis=1)), far.log_size)
    x, _ = walk(wild, KEY, 20, 40)
    judge.exact(np.log(np.abs(far.position)), np.log(np.abs(x)), 1e-9)


def test_more_chains_begin_with_the_same():
    alone = linear.run(SMALL, KEY, chains=4, steps=9)
    more = linear.run(SMALL, KEY, chains=6, steps=9)
    np.testing.assert_array_equal(alone.position, more.position[:4])


def test_step_sizes_are_leaves():
    other = MultiplicativeSGD(step_size=0.1, noise_sd=1.0, batch=2, dim=3)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), SMALL, other)
    both = jax.vmap(lambda p: linear.run(p, KEY, chains=4, steps=9).position)(stacked)
    judge.exact(both[0], linear.run(SMALL, KEY, chains=4, steps=9).position)


def test_rows_without_replacement_are_distinct_and_uniform():
    rows = Rows(jnp.arange(5.0)[:, None], jnp.arange(5.0), 0.1, 3, replace=False)
    inputs, labels = linear.draw(rows, KEY, 20_000)
    assert all(len(set(batch)) == 3 for batch in np.asarray(labels[:500]).tolist())
    counts = np.bincount(np.asarray(labels).astype(int).ravel(), minlength=5) / 20_000
    assert np.max(np.abs(counts - 0.6)) < 5 * np.sqrt(0.24 / 20_000)
    pairs = np.mean(np.any(np.asarray(labels) == 0, axis=1) & np.any(np.asarray(labels) == 4, axis=1))
    assert abs(pairs - 0.3) < 5 * np.sqrt(0.21 / 20_000)
    np.testing.assert_array_equal(inputs[..., 0], labels)


def test_the_whole_data_set_is_gradient_descent():
    rng = np.random.default_rng(0)
    a, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    found = linear.run(Rows(jnp.asarray(a), jnp.asarray(y), 0.4, 8, replace=False), KEY, chains=2, steps=400)
    judge.exact(found.position[0], np.linalg.lstsq(a, y, rcond=None)[0], 1e-8)
    eigs = np.linalg.eigvalsh(a.T @ a / 8)
    rate = linear.growth(Rows(jnp.asarray(a), jnp.asarray(y), 0.4, 8, replace=False), KEY, chains=2, steps=400, burn=300)
    judge.exact(rate, np.full(2, np.log(np.max(np.abs(1 - 0.4 * eigs)))), 1e-6)


@pytest.mark.slow
def test_a_systematic_resample_keeps_the_weights():
    weights = jnp.array([0.0, 3.0, 1.0, 0.0, 4.0, 0.0, 0.0, 0.0])
    for seed in range(5):
        chosen = linear._systematic(weights, jax.random.key(seed))
        assert np.bincount(np.asarray(chosen), minlength=8).tolist() == [0, 3, 1, 0, 4, 0, 0, 0]


def test_the_crossing_of_a_parabola_is_exact():
    orders = jnp.array([0.5, 1.0, 1.5, 2.0])
    rates = linear.Rate(jnp.exp(0.3 * orders * (orders - 1.2)), jnp.full(4, 0.01), jnp.ones(4, bool))
    judge.exact(linear.crossing(orders, rates).value, 1.2)
    light = linear.Rate(jnp.exp(-orders), jnp.full(4, 0.01), jnp.ones(4, bool))
    assert not bool(linear.crossing(orders, light).valid)


def test_covariances_are_turned_to_their_eigenvectors():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    problem = MultiplicativeSGD.from_covariance(covariance, 0.1, 1.0, 3)
    judge.exact(problem.input_sd**2, np.linalg.eigvalsh(covariance))
    assert not problem.isotropic and SMALL.isotropic


@pytest.mark.parametrize(
    "change, name",
    [
        (dict(step_size=0.0), "step_size"),
        (dict(step_size=float("nan")), "step_size"),
        (dict(noise_sd=-1.0), "noise_sd"),
        (dict(batch=0), "batch"),
        (dict(dim=2.0), "dim"),
        (dict(input_sd=np.ones(2)), "input_sd"),
        (dict(input_sd=0.0), "input_sd"),
    ],
)
def test_bad_problems_are_refused(change, name):
    with pytest.raises(ValueError, match=f"^{name}: .+; "):
        MultiplicativeSGD(**{**dict(step_size=0.5, noise_sd=1.0, batch=2, dim=3), **change})


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: linear.run(SMALL, KEY, chains=0, steps=3), "chains"),
        (lambda: linear.run(SMALL, KEY, chains=2, steps=0), "steps"),
        (lambda: linear.run(SMALL, KEY, chains=2, steps=3, cap=-1.0), "cap"),
        (lambda: linear.run(SMALL, 3, chains=2, steps=3), "key"),
        (lambda: linear.growth(SMALL, 3, chains=2, steps=3), "key"),
        (lambda: linear.moment_growth(SMALL, 1.0, jax.random.split(KEY), particles=5, steps=50), "key"),
        (lambda: linear.growth(SMALL, KEY, chains=2, steps=5, burn=5), "burn"),
        (lambda: linear.moment_growth(SMALL, 1.0, KEY, particles=1, steps=100), "particles"),
        (lambda: linear.moment_growth(SMALL, 1.0, KEY, particles=5, steps=30), "burn"),
        (lambda: Rows(jnp.ones((4, 2)), jnp.ones(3), 0.1, 1), "target"),
        (lambda: Rows(jnp.ones((4, 2)), jnp.ones(4), 0.1, 5, replace=False), "batch"),
        (lambda: MultiplicativeSGD.from_covariance(np.ones((2, 2)), 0.1, 1.0, 1), "covariance"),
        (lambda: TailSample(index=2.5, family="stable", n=10), "index"),
        (lambda: TailSample(index=1.5, family="Cauchy", n=10), "family"),
        (lambda: TailSample(index=1.5, family="stable", n=0), "n"),
    ],
)
def test_bad_calls_are_refused(call, name, unchecked):
    with pytest.raises(ValueError, match=name):
        call()


@pytest.mark.parametrize("step", [0.0, -0.1, float("nan"), float("inf")])
def test_a_step_on_given_data_that_is_not_positive_is_refused(step):
    with pytest.raises(ValueError, match="step_size"):
        linear.Rows(jnp.ones((5, 2)), jnp.ones(5), step, 2)
