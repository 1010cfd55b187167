"""Narrow networks in place of a trained one: their Gaussian errors against theory, and what holds for every method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import stable
from jaxprune.simulate.two_layer import losses, trained
from jaxprune.simulate.two_layer.targets import Target
from jaxprune.theory import two_layer as theory
from tests import grades as judge

WIDTHS, N = [2, 4, 8], 24
outputs, split_loss, fitted = jax.jit(trained.outputs), jax.jit(losses.split_loss), jax.jit(trained.fitted)
relative_error = jax.jit(trained.relative_error)


def problem(classes=2, **changes):
    """Two noisy clouds in six inputs of very different size."""
    rng = np.random.default_rng(0)
    side = np.arange(200) % classes
    inputs = rng.normal(size=(200, 6)) * [2.0, 1.0, 1.0, 0.5, 0.2, 0.0] + (2.0 * side[:, None] - 1) * [1, 1, 0, 0, 0, 0]
    data = Labelled(inputs, np.eye(classes)[side], n=150)
    fields = dict(alpha=stable.index(1.5), sigma=0.02, step_size=0.5, n=N, steps=60, batch=50, noise="I")
    return HeavyTailedSGD(data, **{**fields, **changes})


@pytest.fixture(scope="module")
def made():
    with jax.enable_x64(True):
        net = jax.jit(lambda key: trained.train(problem(), key))(jax.random.key(0))
        roots = jax.jit(trained.roots)(net.train[0])
        narrow = jax.jit(lambda key, target: trained.narrow(key, target, roots, WIDTHS, 4))(jax.random.key(1), net.target)
        narrow = zip(*map(np.asarray, narrow), strict=True)
        return net, roots, dict(zip(trained.METHODS, map(list, narrow), strict=True))


def gaussian_loss(network, net, roots):
    return theory.loss(network[0] @ roots.root, network[1], net.target.rows @ roots.root, net.target.weights)


@pytest.mark.slow
def test_it_has_learnt_and_narrow_networks_are_padded(x64, made):
    net, _, narrow = made
    assert trained.classification_error(net.target, net.test) < 0.2
    for rows, weights in narrow.values():
        assert rows.shape == (len(WIDTHS), 8, 6) and weights.shape == (len(WIDTHS), 8)
        for index, width in enumerate(WIDTHS):
            assert not np.any(weights[index, width:]) and np.all(
                np.any(rows[index, :width] != 0, axis=1) | (weights[index, :width] != 0)
            )


def test_gaussian_errors_are_those_of_draws_with_the_second_moment(x64, made):
    """The population loss of rows W S^(1/2), by theory, is the mean over inputs N(0, S)."""
    net, roots, narrow = made
    inputs = jnp.asarray(np.random.default_rng(1).normal(size=(40000, 6))) @ roots.root
    judge.exact(roots.root @ roots.root, net.train[0].T @ net.train[0] / len(net.train[0]), 1e-12)
    for rows, weights in narrow.values():
        network = Target(rows[1], weights[1])
        squares = (outputs(network, inputs) - outputs(net.target, inputs)) ** 2
        judge.statistical(np.asarray(squares)[:, None], gaussian_loss(network, net, roots), spoil=1.2)
        seen = (network.rows @ roots.root, network.weights, net.target.rows @ roots.root, net.target.weights)
        judge.exact(split_loss(*seen), theory.loss(*seen), 1e-9)


def test_the_optimum_for_the_covariance_is_below_every_other(x64, made):
    net, roots, narrow = made
    for index in range(len(WIDTHS)):
        found = {name: gaussian_loss((rows[index], weights[index]), net, roots) for name, (rows, weights) in narrow.items()}
        assert all(found["covariance"] <= value * (1 + 1e-6) for value in found.values()), found
        assert found["greedy"] < found["magnitude"] and found["greedy"] < found["random"]
    spoiled = gaussian_loss((narrow["covariance"][0][2], 1.1 * narrow["covariance"][1][2]), net, roots)
    assert spoiled > gaussian_loss((narrow["covariance"][0][2], narrow["covariance"][1][2]), net, roots)


def test_fitted_weights_are_the_least_squares(x64, made):
    net, _, narrow = made
    inputs, wanted = net.train[0], outputs(net.target, net.train[0])
    for rows, weights in narrow.values():
        network = Target(rows[1], weights[1])
        refitted = fitted(network, inputs, wanted)
        features = np.maximum(inputs @ rows[1].T, 0)
        least = features @ np.linalg.lstsq(features, wanted, rcond=None)[0]
        judge.exact(outputs(refitted, inputs), least, 1e-6)
        assert relative_error(refitted, net.target, inputs) <= relative_error(network, net.target, inputs) + 1e-9


@pytest.mark.slow
def test_a_run_that_diverges_is_not_a_number_and_bad_problems_are_refused(x64):
    lost = jax.jit(trained.train)(problem(sigma=1e308, alpha=stable.index(0.5), steps=3), jax.random.key(0))
    assert np.all(np.isnan(lost.target.rows))
    with pytest.raises(ValueError, match="data: 3 classes"):
        trained.train(problem(classes=3), jax.random.key(0))
    law = stable.Isotropic(1.5)
    with pytest.raises(ValueError, match="is not one of the types"):
        trained.train(problem(noise=law, alpha=None, sigma=None), jax.random.key(0))
    net = Target(jnp.ones((5, 2)), jnp.ones(5))
    with pytest.raises(ValueError, match="neurons: 30"):
        trained.narrow(jax.random.key(0), net, trained.roots(jnp.eye(2)), [30], 1)
