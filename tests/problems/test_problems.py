"""Problems are validated pytrees; spectra and teachers are what they say."""

import jax
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import Labelled, LinearGaussian, Population
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from tests import grades as judge

GOOD = dict(eigs=np.array([2.0, 1.0]), teacher=np.array([1.0, -1.0]), noise=0.3, n=10)


def test_numbers_are_leaves_and_shapes_are_static():
    problem = LinearGaussian(**GOOD)
    assert len(jax.tree.leaves(problem)) == 3
    doubled = jax.tree.map(lambda x: 2 * x, problem)
    assert doubled.n == 10 and doubled.noise == 0.6
    stacked = jax.tree.map(lambda *x: np.stack(x), problem, doubled)
    assert stacked.eigs.shape == (2, 2)
    with pytest.raises(AttributeError):
        problem.n = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "name, value",
    [
        ("n", 0), ("n", 1.5), ("n", True), ("noise", -1.0), ("noise", np.nan), ("noise", np.ones(2)), ("noise", "1"),
        ("eigs", np.zeros(2)), ("eigs", np.array([1.0, -1.0])), ("eigs", np.eye(2)), ("eigs", np.array([1, 2])),
        ("eigs", np.array([np.inf, 1.0])), ("teacher", np.ones(3)), ("teacher", np.array([1j, 0])), ("basis", np.eye(3)[:2]),
    ],
)  # fmt: skip
def test_bad_problem_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        LinearGaussian(**{**GOOD, name: value})


@pytest.mark.parametrize(
    "covariance, said",
    [
        (np.ones((2, 3)), "not square"), (np.array([[1.0, 0.5], [0.2, 1.0]]), "not symmetric"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "smallest eigenvalue -1"), (np.array([[1, 0], [0, 1]]), "floating"),
        (np.array([[np.nan, 0.0], [0.0, 1.0]]), "finite"),
    ],
)  # fmt: skip
def test_bad_covariance_is_named(covariance, said):
    with pytest.raises(ValueError, match=f"^covariance: .*{said}"):
        LinearGaussian.from_covariance(covariance, np.ones(2), 0.1, 5)


def test_covariance_goes_by_rank():
    problem = LinearGaussian.from_covariance(spectra.rank_one(spectra.power(30, 0.3)), np.ones(30), 0.1, 5)
    assert problem.eigs.shape == (1,) and problem.basis.shape == (30, 1)


def test_risk_is_the_quadratic_form(x64):
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    sigma, beta, coef = root @ root.T, rng.normal(size=6), rng.normal(size=(3, 6))
    problem = LinearGaussian.from_covariance(sigma, beta, 0.4, 5)
    expected = 0.16 + np.einsum("ki,ij,kj->k", coef - beta, sigma, coef - beta)
    judge.exact(problem.risk(coef), expected)
    judge.exact(problem.variances, np.diag(sigma))


def test_spectra_and_teachers():
    for eigs in (
        spectra.constant(9, 2.0),
        spectra.spiked(9, 3, 25.0),
        spectra.power(9, 1.0),
        spectra.exponential(9, 3.0),
        spectra.linear(9, 3, 1),
    ):
        assert eigs.dtype == np.float64 and np.all(eigs > 0)
        for beta in (
            teachers.constant(eigs, 2.0),
            teachers.cosine(eigs, 2.0),
            teachers.power(eigs, 0.5, 2.0),
            teachers.linear(eigs, 1, 2, 2.0, True),
            teachers.head_and_tail(eigs, 4, 0.7, 2.0),
        ):
            judge.exact(np.sum(eigs * beta**2), 2.0)
    for bad in (
        lambda: spectra.spiked(5, 6, 1.0),
        lambda: spectra.ar1(5, 1.0),
        lambda: spectra.equicorrelated(5, -0.5),
        lambda: teachers.with_signal(np.zeros(3), np.ones(3)),
        lambda: teachers.head_and_tail(np.ones(3), 3, 0.5),
    ):
        with pytest.raises(ValueError, match=": "):
            bad()


def test_random_directions_keep_the_spectrum():
    eigs = spectra.spiked(40, 3, 25.0)
    turned = spectra.random_directions(eigs, seed=1)
    np.testing.assert_allclose(np.linalg.eigvalsh(turned), np.sort(eigs), rtol=1e-12)
    assert np.max(np.abs(turned - np.diag(np.diag(turned)))) > 0.1
    assert not np.allclose(turned, spectra.random_directions(eigs, seed=2))


@pytest.mark.slow
def test_populations_and_problems_tell_the_same_risk(x64):
    """A Population knows only second moments; its risk, and every rule, is that of the problem it describes."""
    problem = LinearGaussian.from_covariance(spectra.ar1(12, 0.5), teachers.cosine(np.ones(12)), 0.3, 8)
    energy = problem.noise**2 + problem.teacher @ problem.covariance @ problem.teacher
    population = Population(problem.covariance, problem.cross, energy)
    coef = np.random.default_rng(0).standard_normal((3, 12))
    np.testing.assert_allclose(population.risk(coef), problem.risk(coef), rtol=1e-12)
    path = least_squares.min_norm_path(least_squares.draw(problem, jax.random.key(0)), [5, 12])
    for rule in (pruning.magnitude, pruning.hessian, pruning.oracle, pruning.random):
        orders = [pruning.ranking(path, p, [rule], jax.random.key(1)) for p in (problem, population)]
        np.testing.assert_array_equal(*orders)
        surfaces = [pruning.risk_surface(path, p, orders[0], [0, 3, 7]) for p in (problem, population)]
        np.testing.assert_allclose(*surfaces, rtol=1e-11)


def test_labelled_data_is_checked():
    x, y = np.zeros((10, 3)), np.eye(10)[:, :2]
    Labelled(x, y, 5)
    for wrong in (
        dict(inputs=np.zeros(3)),
        dict(labels=np.zeros((9, 2))),
        dict(n=10),
        dict(n=0),
        dict(inputs=np.full((10, 3), np.nan)),
    ):
        with pytest.raises(ValueError, match=f"^{next(iter(wrong))}: "):
            Labelled(**{**dict(inputs=x, labels=y, n=5), **wrong})


def test_labels_that_are_not_one_hot_are_told_the_cure():
    with pytest.raises(
        ValueError, match=r"^labels: shape \(50,\) is not \(50, classes\); one-hot: np.eye\(classes\)\[labels\]"
    ):
        Labelled(np.ones((50, 2)), np.zeros(50, int), n=20)
