"""Targets that prefer no direction: padding changes nothing, both targets have the same directions, and geometry is measured."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import Isotropic
from jaxprune.simulate.two_layer import Schedule, isotropic
from tests import grades as judge

QUICK = Schedule(adam=80, newton=12, inner=24)


@pytest.fixture(scope="module")
def runs():
    """Three vectors in the plane: alone, with room for five, and against infinitely many neurons."""
    with jax.enable_x64(True):
        problems = dict(
            alone=Isotropic(2, 3, restarts=4, mean=2.0),
            padded=Isotropic(2, 3, restarts=4, mean=2.0, room=5),
            limit=Isotropic(2, 3, "limit", restarts=4),
        )
        return {name: jax.jit(lambda k, p: isotropic.minima(k, p, QUICK))(jax.random.key(0), p) for name, p in problems.items()}


@pytest.mark.slow
def test_padding_stays_zero_and_changes_no_loss(runs):
    judge.exact(runs["alone"].loss, 4 * 0.2159826453603951)
    judge.exact(runs["padded"].loss, 4 * 0.2159826453603951)
    assert np.all(runs["padded"].dead == 2) and np.all(runs["alone"].dead == 0)
    judge.exact(runs["limit"].loss, 0.0022384828436545)


@pytest.mark.slow
def test_geometry_of_what_is_known():
    square = jnp.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]])
    found = jax.jit(isotropic.geometry)(square)
    judge.exact(found["centroid"], 1 / 3, tolerance=1e-6)
    judge.exact(found["cosine_spread"], np.std([0, 1, 0]), tolerance=1e-6)
    judge.exact(found["gain_spread"], np.std([1, 2, 1]) * 3 / 4, tolerance=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(neurons=2.5), "neurons: 2.5 is not whole"),
        (dict(neurons=0), "neurons: 0 is out of range"),
        (dict(room=3), "neurons: 4 do not fit into room = 3"),
        (dict(dim=0), "dim: 0"),
        (dict(target="fixed"), "target: 'fixed' is unknown; use one of affine, limit"),
        (dict(mean=0.0), "mean: 0.0 is out of range"),
    ],
)
def test_bad_problems_are_refused_by_name(change, words, unchecked):
    with pytest.raises(ValueError, match=words):
        Isotropic(**{**dict(dim=2, neurons=4), **change})
