"""Drifts against their formulas, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.sde import drifts
from tests import grades as judge

X = np.array([[-3.0, 0.5], [0.2, 1.0], [4.0, -0.1]])


@pytest.mark.parametrize(
    "drift, expected",
    [
        (drifts.Linear(0.5), -0.5 * X),
        (drifts.Tanh(2.0), -2 * np.tanh(X)),
        (drifts.Tanh(2.0, slope=3.0), -2 * np.tanh(3 * X)),
        (drifts.Clipped(0.5, 0.7), np.clip(-0.5 * X, -0.7, 0.7)),
        (drifts.DoubleWell(), X - X**3),
        (drifts.LinearInteraction(1.0, 2.0), -3 * X + 2 * X.mean(0)),
        (drifts.BoundedInteraction(1.0, 2.0), -X + 2 * np.tanh(X).mean(0)),
    ],
    ids=lambda d: type(d).__name__,
)
def test_formulas(x64, drift, expected):
    judge.exact(drift(jnp.asarray(X)), expected)


@pytest.mark.parametrize("kind, inner", [(drifts.LinearInteraction, lambda x: x), (drifts.BoundedInteraction, np.tanh)])
def test_systems_of_all_sizes_at_once(x64, kind, inner):
    counts = np.array([0, 1, 3])
    values = np.random.default_rng(0).normal(size=(3, 3))
    found = kind(1.0, 2.0, counts)(jnp.asarray(values))
    own = 3.0 if kind is drifts.LinearInteraction else 1.0
    for j, count in enumerate(counts):
        mean = inner(values[:count, j]).mean() if count else 0.0
        judge.exact(found[:, j], -own * values[:, j] + 2 * mean)
        if count:
            alone = kind(1.0, 2.0)(jnp.asarray(values[:count, j]))
            judge.exact(found[:count, j], alone)
    assert drifts.members(counts, 3).tolist() == [[False, True, True], [False, False, True], [False, False, True]]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: drifts.Linear(np.nan), "rate: nan"),
        (lambda: drifts.Linear("1"), "rate: '1'"),
        (lambda: drifts.Tanh(1j), "rate: 1j"),
        (lambda: drifts.Clipped(1.0, 0.0), "bound: 0.0"),
        (lambda: drifts.Clipped(1.0, np.inf), "bound: inf"),
        (lambda: drifts.LinearInteraction(1.0, np.inf), "coupling: inf"),
        (lambda: drifts.BoundedInteraction(1.0, 2.0, np.array([-1])), "counts: "),
        (lambda: drifts.BoundedInteraction(1.0, 2.0, np.array([1.5])), "counts: "),
    ],
)
def test_bad_numbers_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
