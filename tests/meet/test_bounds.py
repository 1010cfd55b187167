"""Where bounds meet simulation: what they say never fails more often than stated, and what leaves something out does."""

import jax
import numpy as np
import pytest

from jaxprune.contracts import Certificate, Prediction
from jaxprune.judge import compare, count_failures
from jaxprune.predictions import predict
from jaxprune.problems import ChosenClassifier, HalfSpace, LearntHalfSpace
from jaxprune.simulate import bounds as simulate
from jaxprune.sweep import load_experiments, run
from jaxprune.theory import bounds, matrices
from jaxprune.theory.bounds import certificates, half_space
from tests import grades as judge
from tests.places import sim

DELTA = 0.05
KEPT = [1, 2, 3, 4, 6, 8, 12, 16]


def draws(trial, problem, seeds):
    """Metrics of many data sets."""
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(17), seeds)
        return {k: np.asarray(v, float) for k, v in jax.jit(jax.vmap(lambda key: trial(key, problem)))(keys).items()}


def counted(excess):
    """Failures of a bound that is stated to hold but for DELTA, where the risk lies above it."""
    return count_failures(Certificate("risk less its bound", 0.0, DELTA), excess)


def learnt(key, problem):
    return simulate.coverage.learnt(key, problem, KEPT)


def test_the_best_of_many_fails_unless_all_are_paid():
    found = draws(simulate.coverage.chosen, ChosenClassifier(10_000, 100, 0.5, DELTA), 2000)
    for bound in ("occam_kl", "occam_gap"):
        assert counted(found[bound]).holds
    assert counted(found["paid_as_one"]).failures > 0.9 * 2000  # the spoiled twin
    half = counted(found["occam_kl"] + 0.05)  # so is a bound that is a little too low
    assert not half.holds


@pytest.mark.slow
def test_the_support_must_be_paid_where_the_data_chose_it():
    """Labels are fair coins: what is learnt has a risk of 1/2."""
    found = draws(learnt, LearntHalfSpace(1.0, 100, 50, 0.5, "Pareto", DELTA, 1), 400)
    assert np.allclose(found["risk"], 0.5)
    for bound in ("occam_kl", "occam_gap"):
        assert counted(found[bound]).holds
    assert not counted(found["values_only"]).holds  # the spoiled twin


@pytest.mark.slow
def test_a_learnt_half_space_is_bounded_without_vacuity():
    found = draws(learnt, LearntHalfSpace(0.5, 50, 400, 0.0, "Pareto", DELTA, 4), 100)
    assert counted(found["occam_kl"]).holds and np.mean(found["bound"]) < 0.5
    gap = found["risk"] - found["bound"]
    assert not counted(gap - gap.mean()).holds  # a bound that is met by half of the draws is noticed


def test_a_certificate_of_theory_covers_simulated_risks():
    """Binomial errors of a classifier that was fixed before the data, with its code of 3 nats."""
    rng, m, risk = np.random.default_rng(5), 300, 0.2
    errors = rng.binomial(m, risk, 20_000) / m
    excess = risk - np.asarray(certificates.occam_kl(errors, np.log(2), m, 2 * DELTA).bound)
    assert count_failures(Certificate("risk less its bound", 0.0, DELTA), excess).holds
    spoiled = risk - np.asarray(bounds.kl_inverse(errors, 0.4 * np.log(20) / m))
    assert not count_failures(Certificate("risk less its bound", 0.0, DELTA), spoiled).holds
    subset = certificates.subsampled(np.log(2), m, 100, DELTA)
    assert subset.bound > certificates.occam_gap(np.log(2), m, DELTA).bound


@pytest.mark.slow
def test_shares_and_bounds_of_half_spaces():
    """Shares are unbiased; the bound of theory lies above the mean of simulated ones, and not by much."""
    kept, samples = [1, 2, 4, 8, 16, 32, 64, 128, 256], [1000.0, 10_000.0, 100_000.0]

    def trial(key, problem):
        return simulate.half_space.trial(key, problem, kept, samples)

    found = draws(trial, HalfSpace(1.0, 500, "Pareto", DELTA, 6), 2000)
    shares = [matrices.expected_discarded_fraction(s, 1.0, 500) for s in kept]
    judge.statistical(found["discarded"], shares, spoil=1.3)
    error = found["bound_kl"].std(0, ddof=1) / np.sqrt(2000)
    bound = np.array([bounds.half_space_bound(1.0, 500, int(m), DELTA, 6).bound for m in samples])
    least = np.array([min(half_space.half_space_at(s, 1.0, 500, int(m), DELTA, 6).bound for s in kept) for m in samples])
    assert np.all(found["bound_kl"].mean(0) - 5 * error <= least) and np.all(bound <= least)
    assert np.all(found["bound_kl"].mean(0) >= least / 1.4 - 5 * error)
    assert np.any(found["bound_kl"].mean(0) - 5 * error > 0.6 * least)  # a theory that is 40 % too low is noticed
    assert np.all(found["coded_bound"] >= found["bound_kl"].min(1, keepdims=True) - 0.02)


@pytest.mark.slow
def test_an_experiment_is_judged():
    (experiment,) = load_experiments(sim("half_space"))
    small = experiment.resized(seeds=200, dim=[1000], tail_index=[1.5])
    samples = run(small, workers=0)
    prediction = predict(small.make, samples)
    assert set(prediction) == {"discarded"} and compare(samples, prediction).ok
    spoiled = Prediction(1.3 * prediction["discarded"].mean, prediction["discarded"].kind)
    assert not compare(samples, {"discarded": spoiled}).ok
