"""Bounds inside compiled code: the inverse of the divergence, and their order."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import theory
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


@pytest.mark.parametrize("budget", [1e-10, 1e-8, 1e-4, 0.03])
def test_small_budgets_in_single_precision(budget):
    """Of kl = c, the distance to q is sqrt(2 q (1 - q) c) (1 + (1 - 2 q) sqrt(2 c/(q (1 - q)))/6 + ..): by theory's inverse."""
    for q in (0.01, 0.3, 0.5, 0.9):
        exact = theory.bounds.kl_inverse(np.float32(q).astype(float), budget) - float(np.float32(q))
        found = float(occam.kl_inverse(jnp.float32(q), jnp.float32(budget))) - float(np.float32(q))
        assert abs(found - exact) < 1e-4 * exact + 2.5e-7 * q


def test_bounds_are_ordered():
    risk = jnp.linspace(0, 1, 50)
    by_kl, by_gap = occam.bounds(risk, 20.0, 1000, 0.05)
    assert np.all(by_kl <= by_gap + 1e-15) and np.all(by_kl >= risk)
