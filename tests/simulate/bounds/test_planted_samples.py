"""The bound against the number of samples in one pass: it is that of theory, and nothing depends on how samples are cut."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.contracts import Certificate
from jaxprune.judge import count_failures
from jaxprune.problems import PlantedNetwork
from jaxprune.simulate.bounds import planted, planted_samples
from jaxprune.simulate.compression import quantiser
from jaxprune.theory import bounds as theory

pytestmark = pytest.mark.usefixtures("x64")

KEPT, SAMPLES, SEEDS = [2, 10, 40], [100, 200, 1000], 12


def problem(**changes):
    return PlantedNetwork(**{**dict(tail_index=1.0, dim=10, width=8, samples=1000, classes=4, tests=2000), **changes})


def found(given, kept=KEPT, samples=SAMPLES, seeds=SEEDS):
    keys = jax.random.split(jax.random.key(3), seeds)
    trial = jax.jit(jax.vmap(lambda key: planted_samples.trial(key, given, kept, samples)))
    return {name: np.asarray(value) for name, value in trial(keys).items()}


@pytest.mark.slow
def test_bounds_fall_with_samples_and_hold():
    here = found(problem(tests=20_000))
    assert np.all(np.diff(here["best"].mean(0)) < 0) and np.all(here["best_values_only"] < here["best"])
    claim = Certificate("test error less its bound", 0.0, 0.05)
    noise = 5 * np.sqrt(0.25 / 20_000)
    assert count_failures(claim, here["best_test_error"] - here["best"] - noise).holds
    spoiled = here["best_test_error"] - 0.1 * here["best"] - noise
    assert not count_failures(claim, spoiled).holds


@pytest.mark.slow
def test_bounds_are_those_of_theory_and_the_first_samples_those_of_a_longer_run():
    """Pieces are of 100 samples whatever the largest set is, and errors are counted here by NumPy."""
    given, key = problem(samples=200), jax.random.key(4)
    trials = ((given, [100, 200]), (problem(), SAMPLES))
    here, longer = (jax.jit(lambda key, t=t: planted_samples.trial(key, t[0], KEPT, t[1]))(key) for t in trials)
    np.testing.assert_array_equal(longer["best"][:2], here["best"])
    weight_key, data_key = jax.random.split(key)
    layers = [np.asarray(w) for w in planted.draw(given, weight_key)]
    inputs = np.concatenate([jax.random.normal(jax.random.fold_in(data_key, i), (100, given.dim)) for i in (1, 2)])
    labels = decided(layers, inputs)
    bounds = np.array([[by_hand(layers, inputs[:m], labels[:m], count) for count in KEPT] for m in (100, 200)])
    np.testing.assert_allclose(here["best"], bounds.min(axis=1), rtol=1e-9)
    assert not np.allclose(here["best"], bounds.max(axis=1), rtol=1e-3)  # the spoiled twin: another count
    np.testing.assert_array_equal(here["best_kept"], np.array(KEPT)[bounds.argmin(axis=1)])


def decided(layers, inputs):
    return np.argmax(np.maximum(inputs @ layers[0].T, 0) @ layers[1].T, axis=1)


def by_hand(layers, inputs, labels, count):
    """The bound of the ``count`` largest entries of every layer in four bits, by theory."""
    small, nats = [], 0.0
    for weights in layers:
        few = min(count, weights.size)
        mask = np.zeros(weights.size, bool)
        mask[np.argsort(-np.abs(weights).ravel(), kind="stable")[:few]] = True
        small.append(np.asarray(quantiser.on_grid(jnp.asarray(weights), jnp.asarray(mask.reshape(weights.shape)), 4)))
        nats += theory.sparse_code_nats(*weights.shape, few, 4)
    return theory.occam_kl(np.mean(decided(small, inputs) != labels), nats, len(labels), 0.05)


@pytest.mark.parametrize(
    "name, given, kept, samples",
    [
        ("score", problem(score="activation"), KEPT, SAMPLES),
        ("kept", problem(), [0, 2], SAMPLES),
        ("samples", problem(), KEPT, [200, 100, 1000]),
        ("samples", problem(), KEPT, [100, 200]),
        ("samples", problem(), KEPT, [0, 1000]),
        ("samples", problem(), KEPT, []),
        ("kept", problem(), [], SAMPLES),
    ],
)
def test_what_makes_no_sense_is_refused(name, given, kept, samples):
    with pytest.raises(ValueError, match=name):
        found(given, kept, samples, 1)
