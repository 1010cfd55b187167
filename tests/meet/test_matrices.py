"""Heavy-tailed matrices meet their theory: shares, gaps, levels, norms, and the guarantee of the sign threshold."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.contracts import Certificate
from jaxprune.judge import compare, count_failures
from jaxprune.predictions import predict
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate import compression, matrices
from jaxprune.sweep import load_experiments, run
from jaxprune.theory import matrices as theory
from tests import grades as judge
from tests.places import sim

pytestmark = pytest.mark.usefixtures("x64")


def drawn(problem, statistic, count, seed=0):
    """A statistic of many matrices."""
    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(jax.jit(jax.vmap(lambda key: statistic(matrices.draw(key, problem).matrix)))(keys))


@pytest.mark.parametrize("alpha, rows", [(0.8, 6), (2.0, 10), (4.0, 10)])
def test_shares_of_finite_matrices_are_exact(alpha, rows):
    problem, kept = HeavyTailedMatrix(alpha, rows, 10), np.array([1, 3, 20])
    found = drawn(problem, lambda matrix: matrices.discarded(matrix)[kept], 8000)
    judge.statistical(found, theory.expected_discarded_fraction(kept, alpha, problem.size), spoil=1.05)


def test_gaps_are_powers_of_uniform_numbers():
    found = drawn(HeavyTailedMatrix(1.7, 5, 6), lambda matrix: matrices.argmax_gap(jnp.ravel(matrix)), 4000)
    judge.statistical(found, theory.action.gap_mean(1.7))
    x = np.array([0.2, 0.5])
    judge.statistical(found[:, None] > x, theory.action.gap_sf(x, 1.7))


def test_order_moments_of_draws():
    def largest(key):
        _, log = matrices.log_entries(key, HeavyTailedMatrix(3.0, 5, 8))
        return jnp.exp(jax.lax.top_k(jnp.ravel(log), 5)[0][1:])

    found = np.asarray(jax.vmap(largest)(jax.random.split(jax.random.key(1), 4000)))
    judge.statistical(found, theory.order_moment(40, np.arange(2, 6), 3.0), spoil=1.02)


def test_ratios_do_not_know_the_size():
    for columns in (4, 40):
        found = drawn(HeavyTailedMatrix(1.2, 5, columns), lambda m: jax.lax.top_k(jnp.ravel(jnp.abs(m)), 11)[0][10], 3000)
        judge.statistical(found, theory.order_statistics.ratio_moment(10, 1.2))


@pytest.mark.parametrize("power", [1, 2])
def test_random_keeping(power):
    """Kept fractions and squared errors of masks that are drawn."""
    rng, alpha, tau = np.random.default_rng(3), 1.5, 4.0
    size = rng.random((4000, 100)) ** (-1 / alpha)
    chance = np.minimum(1, (size / tau) ** power)
    kept = rng.random(size.shape) < chance
    error = np.where(size < tau, (kept / chance - 1) ** 2 * size**2, 0.0)
    known = theory.sampling.random_keep(tau, alpha, power)
    judge.statistical(kept.mean(1), known.kept, spoil=1.02)
    judge.statistical(error.mean(1), known.squared_error, spoil=1.05)


def test_a_spike_on_a_bulk():
    """One large entry on a Gaussian bulk, above its threshold; below it the mean of Tracy and Widom's law is the next order
    (Johnstone 2001)."""
    n1, n2, count = 90, 60, 200
    bulk = np.random.default_rng(4).normal(size=(count, n1, n2))

    def gap(theta, predicted):
        bulk[:, 0, 0] = theta
        return abs(np.linalg.svd(bulk, compute_uv=False)[:, 0].mean() / predicted - 1)

    spike, edge = theory.spike_norm([25.0, 1.0], 1.0, n1, n2)
    assert gap(25.0, spike) < 0.01 < gap(25.0, 1.03 * spike)
    scale = (n1**0.5 + n2**0.5) * (n1**-0.5 + n2**-0.5) ** (1 / 3)
    assert gap(1.0, np.sqrt(edge**2 - 1.2065 * scale)) < 0.01 < gap(1.0, edge)


def test_norms_of_heavy_tailed_matrices_are_those_of_a_spike():
    def ratio(matrix):
        variance = (jnp.sum(matrix**2) - 1) / (matrix.size - 1)
        return jnp.stack([matrices.operator_norm(jax.random.key(0), matrix, 60).value, variance])

    for alpha in (1.0, 2.5):
        norm, variance = drawn(HeavyTailedMatrix(alpha, 100, 100), ratio, 60).T
        found = norm / theory.spike_norm(np.ones(60), variance, 100, 100)
        assert abs(found.mean() - 1) < 0.02
    assert abs(norm.mean() - 1) > 0.05  # the largest entry alone


def test_the_sign_threshold_keeps_its_promise():
    """Failures of a bilinear form are counted against eta, of vectors that know the magnitudes and no sign: the row of which most
    was dropped, and the magnitudes in it. With a threshold ten times as high there are too many."""
    eps, eta = 0.3, 0.05

    def errors(matrix):
        def one(cut):
            kept = jnp.where(jnp.abs(matrix) > cut, matrix, 0)
            dropped = jnp.abs(matrix - kept)
            row = jnp.argmax(jnp.sum(dropped**2, axis=1))
            left = (jnp.arange(len(matrix)) == row).astype(matrix.dtype)
            return matrices.bilinear_error(matrix, kept, left[None], dropped[row][None])[0], jnp.sum(kept != 0)

        tau = eps / np.sqrt(2 * np.log(2 / eta)) * jnp.linalg.norm(matrix)
        (error, count), (spoiled, _) = one(tau), one(10 * tau)
        return jnp.stack([error, spoiled, count])

    error, spoiled, count = drawn(HeavyTailedMatrix(1.0, 40, 40), errors, 2000, seed=6).T
    certificate = Certificate("bilinear form", eps, eta)
    assert count_failures(certificate, error).holds
    assert not count_failures(certificate, spoiled).holds
    judge.statistical(count, theory.sign_threshold_count(eps, eta, 1.0))


def test_matrix_project_fails_as_often_as_normal_errors_do():
    """u v' along A: the printed count misses eta by far."""
    rng, eps, eta = np.random.default_rng(7), 0.25, 0.01
    k, n = int(theory.matrix_project_count(eps, eta, "paper")), 400
    a = rng.normal(size=n)
    a /= np.linalg.norm(a)
    forms = np.concatenate([(rng.choice([-1.0, 1.0], (200 * k, n)) @ a).reshape(200, k) for _ in range(10)])
    failed = np.abs((forms**2).mean(1) - 1) >= eps
    predicted = theory.matrix_project_failure(k, eps, 1.0)
    assert abs(failed.mean() / predicted - 1) < 0.25 and failed.mean() > 5 * eta


def test_stable_entries_act_stably():
    """E exp(i y) of the coordinates of A x is exp(-|x|_alpha^alpha)."""
    alpha, x = 1.3, np.array([0.3, -0.8, 0.1, 0.5])
    sign, log = matrices.log_entries(jax.random.key(8), HeavyTailedMatrix(alpha, 40000, 4, "stable"))
    y = np.asarray(sign * jnp.exp(log)) @ x
    judge.statistical(np.cos(y), np.exp(-(theory.action.output_scale(x, alpha) ** alpha)))


def test_participation_of_entries_and_of_the_output():
    problem = HeavyTailedMatrix(1.2, 60, 60, "stable")

    def both(matrix):
        y = matrix @ jax.random.normal(jax.random.key(9), (60,))
        return jnp.stack([compression.compressibility.participation(jnp.ravel(matrix)), matrices.argmax_gap(y)])

    entries, gap = drawn(problem, both, 1500).T
    judge.statistical(entries, theory.participation(1.2))
    judge.statistical(gap, theory.action.gap_mean(1.2))


def judged(name, spoil, **size):
    """Samples of an experiment, and reports by theory as it is and wrong by a factor."""
    (experiment,) = load_experiments(sim(name))
    samples = run(experiment.resized(**size), workers=0)
    prediction = predict(experiment.make, samples)
    spoiled = {name: dataclasses.replace(p, mean=spoil * p.mean) for name, p in prediction.items()}
    return compare(samples, prediction), compare(samples, spoiled)


@pytest.mark.slow
def test_level_sets():
    report, spoiled = judged("level_sets", 1.05, tail_index=[1.0], entries=[64], seeds=50)
    assert report.ok and spoiled.failed
    assert report.points["full_level"]["judged"].all()


@pytest.mark.slow
def test_energies_of_two_laws():
    report, spoiled = judged("discarded_energy", 1.2, law=["pareto", "stable"], tail_index=[1.2], n=[25], seeds=400)
    assert report.ok and spoiled.failed
    assert report.points["discarded"]["judged"].all()


def test_norms_of_what_is_left():
    """When a tenth of the entries is kept the bulk is left, not the cut."""
    alpha, s = 3.0, 1000

    def left(key):
        sign, log = matrices.log_entries(key, HeavyTailedMatrix(alpha, 100, 100))
        rest = matrices.residuals(sign * jnp.exp(log), [s])[0]
        return matrices.operator_norm(key, rest, 100).value

    found = np.asarray(jax.jit(jax.vmap(left))(jax.random.split(jax.random.key(10), 40))).mean()
    assert abs(found / theory.norms.residual_norm(s, 100, 100, alpha) - 1) < 0.03
    assert found > 1.5 * (1e4 / s) ** (1 / alpha)


def test_the_released_split():
    """Counts, energies and replacement errors of Cauchy entries that are split at one standard deviation."""
    rng, size, alpha = np.random.default_rng(11), 4000, 1.0
    entries = rng.standard_cauchy((1500, size))
    square = np.mean(entries**2, axis=1, keepdims=True)
    kept = entries**2 > square
    judge.statistical(kept.sum(1), theory.one_sd_kept(size, alpha))
    energy = np.sum(np.where(kept, 0, entries**2), axis=1) / (size * square[:, 0])
    judge.statistical(energy, theory.one_sd_discarded(size, alpha))
    for scale in ("released", "matched"):
        small = np.sqrt(energy / (1 - kept.mean(1)))[:, None]  # over the root mean square of all
        fresh = rng.normal(size=entries.shape) * np.sqrt(square) * (small if scale == "matched" else 1)
        error = np.sum(np.where(kept, 0, (fresh - entries) ** 2), axis=1) / (size * square[:, 0])
        known = theory.replacement.replacement_error(kept.mean(1), energy, scale)
        judge.statistical(error / known, 1.0, spoil=1.05)
        assert abs(error.mean() / theory.replacement.replacement_error(kept.mean(), energy.mean(), scale) - 1) < 0.02


def test_rows_of_the_largest_entries():
    problem = HeavyTailedMatrix(1.0, 60, 300)
    rows = drawn(problem, lambda matrix: jax.lax.top_k(jnp.ravel(jnp.abs(matrix)), 8)[1] // problem.columns, 400)
    distinct = np.array([len(set(row.tolist())) == 8 for row in rows], float)
    judge.statistical(distinct, theory.laws.distinct_rows(8, 60), spoil=1.3)
