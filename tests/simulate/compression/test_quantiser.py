"""The grid of values in few bits: how near it is, and values that are equal, alone, 0 or not there."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.compression import quantiser

pytestmark = pytest.mark.usefixtures("x64")


def test_rounded_values_are_as_near_as_the_grid():
    rng = np.random.default_rng(0)
    values = rng.standard_cauchy(200)
    mask = np.abs(values) > np.quantile(np.abs(values), 0.5)
    for bits in (1, 4, 10):
        found = np.asarray(quantiser.on_grid(jnp.asarray(values), jnp.asarray(mask), bits))
        kept = np.abs(values[mask])
        most = np.exp(np.log(kept.max() / kept.min()) / 2**bits / 2) - 1
        error = np.abs(found[mask] / values[mask] - 1)
        assert np.all(error <= most * (1 + 1e-9)) and np.max(error) > 0.5 * most
        assert np.all(found[~mask] == 0) and len(np.unique(np.abs(found[mask]))) <= 2**bits


def test_equal_single_and_no_values():
    ones = jnp.array([2.0, -2.0, 5.0])
    np.testing.assert_allclose(quantiser.on_grid(ones, jnp.array([True, True, False]), 3), [2.0, -2.0, 0.0])
    np.testing.assert_allclose(quantiser.on_grid(ones, jnp.array([False, False, True]), 3), [0.0, 0.0, 5.0])
    assert np.all(np.asarray(quantiser.on_grid(ones, jnp.zeros(3, bool), 3)) == 0)
    np.testing.assert_allclose(quantiser.on_grid(jnp.array([0.0, 3.0]), jnp.ones(2, bool), 3), [0.0, 3.0])
