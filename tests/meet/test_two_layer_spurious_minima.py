"""Minima of orthonormal teachers: the reduced problem against exact losses, gradients and curvatures of all rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.judge import compare
from jaxprune.predictions import predict
from jaxprune.simulate.two_layer import objectives, symmetric_minima
from jaxprune.simulate.two_layer.curvature import curvature
from jaxprune.sweep import load_experiments, run
from jaxprune.theory import two_layer as theory
from tests import grades as judge
from tests.places import sim

LOSSES = {5: 0.026970, 6: 0.025080581, 8: 0.021508, 10: 0.018702}  # of an independent search


def network(found, dim):
    return np.asarray(symmetric_minima.rows(found.entries, dim)), np.ones(dim), np.eye(dim), np.ones(dim)


@pytest.mark.parametrize("dim", [3, 6, 11])
def test_the_reduced_loss_is_the_loss_of_the_rows(x64, dim):
    entries = symmetric_minima.Entries(*np.random.default_rng(dim).normal(size=5))
    rows = np.asarray(symmetric_minima.rows(entries, dim))
    exact = theory.loss(rows, np.ones(dim), np.eye(dim), np.ones(dim)) / 2
    judge.exact(symmetric_minima.loss(entries, dim), exact, 1e-13, spoil=2)  # the spoiled twin: without the half


@pytest.mark.parametrize("dim", [2, 7, 20])
def test_the_loss_of_no_neurons(x64, dim):
    nothing = theory.loss(np.zeros((1, dim)), np.zeros(1), np.eye(dim), np.ones(dim)) / 2
    judge.exact(symmetric_minima.zero_loss(dim), nothing, 1e-14)
    judge.exact(nothing, dim / 4 + dim * (dim - 1) / (4 * np.pi), 1e-14)


def test_the_family_is_stationary_among_all_rows_and_found_apart(x64):
    family = jax.jit(symmetric_minima.minimum)
    for dim, value in LOSSES.items():
        found = family(float(dim))
        loss, slope, _ = theory.loss_gradient(*network(found, dim))
        assert found.gradient < 1e-12 and np.linalg.norm(slope) / 2 < 1e-12
        judge.exact([found.loss, loss / 2], [theory.symmetric_minimum(dim)[0]] * 2, 1e-12)
        assert abs(found.loss - value) < 6e-7
        assert np.linalg.norm(theory.loss_gradient(0.99 * network(found, dim)[0], *network(found, dim)[1:])[1]) > 1e-3


@pytest.mark.slow
def test_it_turns_from_a_saddle_into_a_minimum(x64):
    """The whole Hessian against differences of theory's gradient, whose smallest eigenvalue has the same sign."""
    signs = {5: -1, 6: 1}
    family, bent = jax.jit(symmetric_minima.minimum), jax.jit(curvature)
    for dim, sign in signs.items():
        rows, *others = network(family(float(dim)), dim)
        bend = bent(objectives.exact(jnp.eye(dim), jnp.ones(dim)), jnp.asarray(rows), jnp.ones(dim))
        step, columns = 1e-5, []
        for place in np.eye(dim * dim).reshape(-1, dim, dim):
            ahead, behind = (theory.loss_gradient(rows + s * step * place, *others)[1] for s in (1, -1))
            columns.append((ahead - behind).ravel() / (2 * step))
        smallest = np.linalg.eigvalsh((np.array(columns) + np.array(columns).T) / 2)[0]
        assert abs(bend.smallest - smallest) < 1e-7
        assert sign * bend.smallest > 1e6 * bend.error and bend.rotations == 0


def test_counts_below_two_and_points_that_are_not_are_refused():
    with pytest.raises(ValueError, match="dim: 1"):
        symmetric_minima.minimum(1)
    with pytest.raises(ValueError, match="dim: 2"):
        theory.symmetric_minimum(2)


@pytest.mark.slow
def test_the_experiment_meets_its_theory():
    experiment = load_experiments(sim("spurious_minima"))[0].resized(seeds=3, d=[6], restarts=[4])
    samples = run(experiment, root=2, workers=0)
    prediction = predict(experiment.make, samples)
    assert prediction is not None and {*prediction} == {"zero_loss", "symmetric_loss"}
    assert compare(samples, prediction).ok
    assert not compare(samples.assign(symmetric_loss=2 * samples["symmetric_loss"]), prediction).ok  # without the half
    assert float(samples["worst"].max()) < 1e-8 or float(samples["worst_curvature"].min()) > 0
