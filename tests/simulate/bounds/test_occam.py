"""Bounds inside compiled code: the inverse of the divergence, code lengths, and the grid of values."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.bounds import occam

pytestmark = pytest.mark.usefixtures("x64")


def test_the_inverse_inverts():
    q, c = np.linspace(0.01, 0.95, 20)[:, None], np.array([1e-6, 1e-3, 0.1, 1.0])
    p = np.asarray(occam.kl_inverse(q, c))
    found = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    near = p < 1 - 1e-9
    np.testing.assert_allclose(found[near], np.broadcast_to(c, found.shape)[near], rtol=1e-6)
    assert not np.allclose(found[near], 1.01 * np.broadcast_to(c, found.shape)[near], rtol=1e-3)
    np.testing.assert_allclose(occam.kl_inverse(jnp.array([0.0, 1.0]), 0.5), [1 - np.exp(-0.5), 1.0])


def test_bounds_are_ordered():
    risk = jnp.linspace(0, 1, 50)
    by_kl, by_gap = occam.bounds(risk, 20.0, 1000, 0.05)
    assert np.all(by_kl <= by_gap + 1e-15) and np.all(by_kl >= risk)


def test_rounded_values_are_as_near_as_the_grid():
    rng = np.random.default_rng(0)
    values = rng.standard_cauchy(200)
    mask = np.abs(values) > np.quantile(np.abs(values), 0.5)
    for bits in (1, 4, 10):
        found = np.asarray(occam.rounded(jnp.asarray(values), jnp.asarray(mask), bits))
        kept = np.abs(values[mask])
        most = np.exp(np.log(kept.max() / kept.min()) / 2**bits / 2) - 1
        error = np.abs(found[mask] / values[mask] - 1)
        assert np.all(error <= most * (1 + 1e-9)) and np.max(error) > 0.5 * most
        assert np.all(found[~mask] == 0) and len(np.unique(np.abs(found[mask]))) <= 2**bits


def test_equal_single_and_no_values():
    ones = jnp.array([2.0, -2.0, 5.0])
    np.testing.assert_allclose(occam.rounded(ones, jnp.array([True, True, False]), 3), [2.0, -2.0, 0.0])
    np.testing.assert_allclose(occam.rounded(ones, jnp.array([False, False, True]), 3), [0.0, 0.0, 5.0])
    assert np.all(np.asarray(occam.rounded(ones, jnp.zeros(3, bool), 3)) == 0)
    np.testing.assert_allclose(occam.rounded(jnp.array([0.0, 3.0]), jnp.ones(2, bool), 3), [0.0, 3.0])
