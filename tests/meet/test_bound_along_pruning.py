"""Bounds of trained networks along their pruning curve: lengths and bounds are those of theory, and the bound holds."""

import dataclasses

import numpy as np
import pytest

from jaxprune.contracts import Certificate
from jaxprune.judge import count_failures
from jaxprune.problems import Labelled
from jaxprune.sweep import load_experiments, run
from jaxprune.theory import bounds
from sims.bounds import bound_along_pruning as along
from tests.places import sim

pytestmark = pytest.mark.slow  # networks are trained


def drawn(seeds, **changes):
    (experiment,) = load_experiments(sim("bound_along_pruning"))
    small = experiment.resized(seeds=seeds, width=[16], steps=[200], noise=["none"]).replace(block=seeds, **changes)
    return run(small, workers=0).isel(noise=0, width=0, steps=0)


@pytest.fixture(scope="module")
def samples():
    return drawn(12)


def meaningless(noise, width, steps):
    """Digits with labels at random, of which a small share is trained on: nothing can be learnt but by heart."""
    problem = along.make(noise, width, steps)
    labels = np.random.default_rng(0).permutation(np.asarray(problem.data.labels))
    return dataclasses.replace(problem, data=Labelled(problem.data.inputs, labels, n=64))


def test_lengths_and_bounds_are_those_of_theory(samples):
    total = along.weights(16)
    kept = np.floor(np.array(along.KEPT) * total)
    choice = bounds.codes.choice_nats(len(along.BITS))
    nats = bounds.sparse_code_nats(total, 1, kept, samples["value_bits"]) + choice
    np.testing.assert_allclose(samples["nats"], nats, rtol=1e-9)
    unpaid = nats - bounds.codes.log_binomial(total, kept)
    assert not np.allclose(samples["nats"], unpaid, rtol=0.05)  # the spoiled twin
    expected = bounds.occam_kl(samples["train_error"].values, nats, along.SAMPLES, along.DELTA)
    np.testing.assert_allclose(samples["bound"], expected, rtol=1e-9)
    assert not np.allclose(samples["bound"], 1.01 * expected, rtol=1e-3)


def test_the_bound_holds_for_all_samples_and_one_that_is_not_paid_does_not(samples):
    """Training samples are drawn from all of them without replacement, so that this is a theorem."""
    claim = Certificate("error on all samples less its bound", 0.0, along.DELTA)
    assert count_failures(claim, samples["excess"]).holds
    random = drawn(20, make=meaningless)
    assert count_failures(claim, random["excess"]).holds
    assert not count_failures(claim, random["unpaid_excess"]).holds  # the spoiled twin


def test_the_bound_says_more_than_guessing_and_less_if_positions_are_paid(samples):
    assert np.all(samples["best"] < 1 - samples["majority"])
    assert np.all(samples["best_values_only"] < samples["best"] - 0.1)
    assert np.all(samples["best_test_error"] < samples["best"])
