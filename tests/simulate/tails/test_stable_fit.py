"""The test of the stable model: its false alarms, what it finds, what it cannot tell, and its covariances by another route."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.simulate.stable.laws import Isotropic, Symmetric
from jaxprune.simulate.tails import extreme, stable_fit, tail_report

pytestmark = pytest.mark.usefixtures("x64")

ALPHAS = np.array([0.3, 0.6, 1.0, 1.5, 1.9, 2.0])


@functools.partial(jax.jit, static_argnames="dtype")
def fits(x, dtype=None):
    return jax.lax.map(lambda row: stable_fit.fit(extreme.centred(row.astype(dtype or row.dtype))), x, batch_size=50)


def samples(count, dim, each=100):
    """``each`` stable samples of every alpha."""

    def draw(alpha, key):
        law = Isotropic(alpha) if dim else Symmetric(alpha)
        return law.sample(key, (count, dim) if dim else (count,))

    alphas = jnp.repeat(jnp.asarray(ALPHAS), each)
    return jax.vmap(draw)(alphas, jax.random.split(jax.random.key(count + dim), len(alphas)))


@pytest.mark.slow
@pytest.mark.parametrize("count, dim", [(200, 0), (1000, 0), (200, 3)])
def test_stable_samples_are_rejected_at_the_level_at_most(count, dim):
    found = fits(samples(count, dim))
    assert np.sum(found.rejected) <= stats.binom.isf(1e-4, found.rejected.size, stable_fit.LEVEL)
    early = np.mean(np.asarray(found.p_value) < 0.1)  # a test that never speaks would not do
    assert 0.01 < early < 0.12
    means = np.mean(np.asarray(found.index).reshape(len(ALPHAS), -1), axis=1)
    np.testing.assert_allclose(means, ALPHAS, rtol=0.05)


@pytest.mark.slow
def test_float32_keeps_the_level():
    with jax.enable_x64(False):
        x = Symmetric(jnp.array([1.5, 2.0])[:, None, None]).sample(jax.random.key(1), (2, 100, 500)).reshape(200, 500)
        found = fits(x)
    assert found.p_value.dtype == jnp.float32 and np.sum(found.rejected) <= 8 and np.all(np.isfinite(found.p_value))


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


FOUND = {  # at least so often in samples of 5,000 numbers
    "Student 1.5": (0.5, lambda rng, s: rng.standard_t(1.5, s)),
    "Student 2": (0.85, lambda rng, s: rng.standard_t(2, s)),
    "Student 3": (0.95, lambda rng, s: rng.standard_t(3, s)),
    "Student 4": (0.95, lambda rng, s: rng.standard_t(4, s)),
    "Pareto 1.5": (0.95, lambda rng, s: signs(rng, s) * (1 + rng.pareto(1.5, s))),
    "Lomax 1.5": (0.95, lambda rng, s: signs(rng, s) * rng.pareto(1.5, s)),
    "Laplace": (0.95, lambda rng, s: rng.laplace(size=s)),
    "mixture": (0.95, lambda rng, s: rng.standard_normal(s) * np.where(rng.random(s) < 0.5, 3, 1)),
    "contaminated": (0.95, lambda rng, s: rng.standard_normal(s) * np.where(rng.random(s) < 0.05, 5, 1)),
    "clusters": (0.95, lambda rng, s: rng.standard_normal(s) + 4 * signs(rng, s)),
    "lognormal": (0.95, lambda rng, s: signs(rng, s) * np.exp(rng.standard_normal(s))),
    "random scale": (0.95, lambda rng, s: rng.standard_normal(s) * np.exp(0.5 * rng.standard_normal(s))),
    "uniform": (0.95, lambda rng, s: rng.uniform(-1, 1, s)),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", list(FOUND))
def test_laws_that_are_not_stable_are_found(law):
    least, draw = FOUND[law]
    x = draw(np.random.default_rng(2), (40, 5000))
    assert np.mean(fits(jnp.asarray(x)).rejected) >= least
    few = fits(jnp.asarray(x[:10, :200]))
    assert np.all(few.rejected | ~few.testable)  # or it is said that they cannot be told


@pytest.mark.slow
def test_vectors_with_a_student_law_are_found():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((40, 2000, 5)) / np.sqrt(rng.chisquare(3, (40, 2000, 1)))
    assert np.mean(fits(jnp.asarray(rows)).rejected) > 0.9


@pytest.mark.slow
def test_student_numbers_are_never_valid_in_silence():
    x = jnp.asarray(np.random.default_rng(4).standard_t(2, (20, 5000)))
    many = jax.lax.map(tail_report.report, x)
    assert np.mean(many.fit.rejected) > 0.7
    for e in many.model.values():
        assert not np.any(e.valid & (many.fit.rejected | many.fit.testable))
    one = jax.tree.map(lambda a: a[int(np.argmax(many.fit.rejected))], many)
    assert "REJECTED" in tail_report.table(one) and "if stable" not in tail_report.table(one)
    few = tail_report.table(tail_report.report(x[0, :300]))
    assert "NOT TESTABLE" in few and "if stable" in few and "symmetric stable" in few
    enough = tail_report.table(tail_report.report(Symmetric(1.5).sample(jax.random.key(5), (10_000,))))
    assert "tested and not rejected" in enough and "if stable" not in enough and "not valid" not in enough


@pytest.mark.slow
@pytest.mark.parametrize("alpha, dim", [(0.6, 1), (1.5, 1), (1.5, 4)])
def test_the_needed_number_of_data(alpha, dim):
    """The standard error of the bend by weighted least squares, with covariances of cosines that are simulated."""
    logs = np.log(np.geomspace(stable_fit.TAIL, stable_fit.CENTRE, stable_fit.POINTS)) / alpha
    x = np.asarray(Isotropic(alpha).sample(jax.random.key(6), (400_000, dim)))
    covariance = np.cov([np.cos(t * x).mean(axis=1) for t in np.exp(logs)])
    power = np.exp(alpha * logs)
    slopes = (power * np.exp(-power))[:, None] * np.stack([logs, np.ones_like(logs), logs**2], axis=1)
    weights = np.linalg.inv(covariance + stable_fit.RIDGE * np.diag(np.diag(covariance)))
    bend = np.linalg.solve(slopes.T @ weights @ slopes, slopes.T @ weights)[2]
    drift = 2 * np.log(0.01) / alpha * np.sqrt(bend @ covariance @ bend)  # of the index, for one datum
    data = Symmetric(alpha).sample(jax.random.key(7), (100_000,)) if dim == 1 else x[:100_000]
    found = float(stable_fit.fit(extreme.centred(jnp.asarray(data))).needed)
    assert abs(found / (4.2 * drift / 0.3) ** 2 - 1) < 0.06 and abs(found / (4.2 * drift / 0.33) ** 2 - 1) > 0.1
