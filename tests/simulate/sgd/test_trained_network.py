"""A network that has learnt: its noise, its penalty, and what is said of one that diverged."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.compression import projection
from jaxprune.simulate.sgd import released_code, trained_network

pytestmark = pytest.mark.usefixtures("x64")


def problem(**changes):
    """Two classes, told apart by the sign of the first input."""
    inputs = np.random.default_rng(0).standard_normal((120, 4))
    labels = np.stack([inputs[:, 0] > 0, inputs[:, 0] <= 0], axis=1).astype(float)
    given = dict(alpha=stable.index(1.5), sigma=0.0, step_size=0.3, n=6, steps=100, batch=20, noise="II")
    return HeavyTailedSGD(Labelled(inputs, labels, n=80), **{**given, **changes})


def penalty(layers):
    return sum(projection.stable_rank(w) for w in layers)


@functools.cache
def program(*penalty):
    """Training as one program for every step size, size of the noise and rate of the penalty; it returns no network."""
    return jax.jit(lambda given, key, rate: trained_network.trained(given, key, 2, rate, *penalty)._replace(model=None))


def trained(rate=0.0, *penalty, **changes):
    return program(*penalty)(problem(**changes), jax.random.key(2), rate)


@pytest.mark.slow
def test_it_learns_and_noise_changes_it():
    found = trained()._replace(model=released_code.network(4, 6, 2))
    assert not found.diverged and found.train[0].shape == (80, 4) and found.test[0].shape == (40, 4)
    wrong = found.wrong(found.layers, found.test)
    assert jnp.mean(wrong) < 0.2 < jnp.mean(found.wrong([-found.layers[0], found.layers[1]], found.test))
    noisy = trained(sigma=0.05)
    assert not np.allclose(noisy.layers[0], found.layers[0])


def test_the_drift_has_the_gradient_of_the_penalty():
    given = problem()
    model = released_code.network(4, 6, 2)
    layers = released_code.initial(model, jax.random.key(0))
    drift = released_code.Drift(given.data.inputs, given.data.labels, model, trained_network.LOSS)
    moved = jax.jit(lambda w: trained_network.Penalised(drift, 0.3, penalty)(w))(layers)
    change = np.concatenate([np.ravel(m - d) for m, d in zip(moved, jax.jit(lambda w: drift(w))(layers), strict=True)])
    step, flat = 1e-6, np.concatenate([np.ravel(w) for w in layers])

    @jax.jit
    def at(values):
        return penalty([values[:24].reshape(6, 4), values[24:].reshape(2, 6)])

    slopes = np.array([(at(flat + step * e) - at(flat - step * e)) / (2 * step) for e in np.eye(flat.size)])
    np.testing.assert_allclose(change, -0.3 * slopes, atol=1e-7)
    assert not np.allclose(change, -0.33 * slopes, atol=1e-7)  # the spoiled twin


@pytest.mark.slow
def test_a_penalty_lowers_the_stable_rank_and_a_rate_of_0_changes_nothing():
    plain, none, strong = trained(), trained(0.0, penalty), trained(0.1, penalty)
    for a, b in zip(plain.layers, none.layers, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    least = len(plain.layers)  # a stable rank of 1 for every layer
    assert penalty(strong.layers) - least < 0.6 * (penalty(plain.layers) - least)


def test_a_run_that_diverges_says_so():
    lost = trained(step_size=1e200)
    assert bool(lost.diverged)
