"""The affine simplification and its exact error."""

import numpy as np
import pytest
from scipy import special

from jaxprune.theory import two_layer as theory
from tests import grades as judge
from tests.two_layer import TARGET

OUTPUTS = np.full(6, 1 / 6)


def test_reference_factors_and_what_the_cone_predicts_of_them():
    constant, linear, remainder = theory.factors(TARGET, OUTPUTS)
    size = np.linalg.norm(linear)
    judge.exact([constant, size, remainder], [0.3353549586, 0.3165153092, 0.03356994739], tolerance=1e-9)
    value, _ = theory.cone_optimum(2, size / constant)
    judge.exact(remainder + constant**2 * value, 0.06167646728, tolerance=1e-9)


def test_factors_are_means_of_draws():
    x = np.random.default_rng(0).standard_normal((100_000, 3))
    output = np.maximum(x @ TARGET.T, 0) @ OUTPUTS
    constant, linear, remainder = theory.factors(TARGET, OUTPUTS)
    judge.statistical(output, constant)
    judge.statistical(output[:, None] * x, linear)
    judge.statistical((output - constant - x @ linear) ** 2, remainder)


def nets(seed, nonnegative=False):
    rng = np.random.default_rng(seed)
    rows, target = rng.normal(size=(3, 5)), rng.normal(size=(9, 5))
    weights, outputs = rng.normal(size=3), rng.normal(size=9)
    return (rows, abs(weights), target, abs(outputs)) if nonnegative else (rows, weights, target, outputs)


@pytest.mark.parametrize("seed", range(4))
def test_the_error_identity(seed):
    rows, weights, target, outputs = nets(seed)
    simple = theory.simplified_loss(rows, weights, theory.factors(target, outputs))
    gains = weights * np.linalg.norm(rows, axis=1)
    error = -2 * gains @ theory.interaction(rows, target, outputs)
    judge.exact(theory.loss(rows, weights, target, outputs), simple + error, tolerance=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_simplified_loss_is_above_for_nonnegative_networks(seed):
    rows, weights, target, outputs = nets(seed, nonnegative=True)
    exact = theory.loss(rows, weights, target, outputs)
    simple = theory.simplified_loss(rows, weights, theory.factors(target, outputs))
    assert exact < simple
    gains = weights @ np.linalg.norm(rows, axis=1)
    top = np.linalg.eigvalsh(target.T @ ((outputs / np.linalg.norm(target, axis=1))[:, None] * target))[-1]
    assert simple - exact <= 2 * gains * (1 / 4 - 1 / (2 * np.pi)) * top
    u = np.random.default_rng(1).normal(size=(2000, 5))
    assert np.max(theory.interaction(u, target, outputs)) >= 0.5 * top / (4 * np.pi)


def test_the_interaction_is_the_even_kernel():
    """One target row: cos arcsin cos + sin - 1 over 2 pi, from 0 across to 1/4 - 1/(2 pi) along."""
    u = np.array([[2.0, 0.0], [0.0, 1.0], [-3.0, 0.0], [1.0, 1.0]])
    found = theory.interaction(u, np.array([[0.5, 0.0]]), np.ones(1))
    end, half = 1 / 4 - 1 / (2 * np.pi), np.sqrt(0.5)
    judge.exact(found, 0.5 * np.array([end, 0.0, end, (half * np.pi / 4 + half - 1) / (2 * np.pi)]), tolerance=1e-14)


def test_uniform_error():
    judge.exact(theory.uniform_error_limit(64, 1024), 0.00194281, tolerance=1e-5)
    found = theory.uniform_error_limit([64, 256], [[100], [200]])
    assert found.shape == (2, 2)
    rng, sups = np.random.default_rng(4), []
    for _ in range(4):
        rows = rng.normal(size=(512, 32)) / np.sqrt(32)
        top = np.linalg.eigh(rows.T @ (rows / np.linalg.norm(rows, axis=1)[:, None]))[1][:, -1:].T
        sups.append(theory.interaction(top, rows, np.full(512, 1 / 512))[0])
    judge.exact(np.mean(sups), theory.uniform_error_limit(32, 512), tolerance=0.15, spoil=1.5)
    for wrong in (0, -1, 2.5, np.inf, np.nan, True):
        with pytest.raises(ValueError, match="d:"):
            theory.uniform_error_limit(wrong, 5)
        with pytest.raises(ValueError, match="N:"):
            theory.uniform_error_limit(5, wrong)


def test_the_norm_excess():
    d = np.array([1, 2, 10, 29, 30, 31, 60, 100])
    ratio = d / 2 / np.exp(2 * (special.gammaln((d + 1) / 2) - special.gammaln(d / 2)))
    judge.exact(1 + theory.norm_excess(d), ratio, tolerance=1e-12)
    judge.exact(theory.norm_excess(1), np.pi / 2 - 1, tolerance=1e-15)
    judge.exact(1 + theory.norm_excess(2), 1.273239545, tolerance=1e-9)
    judge.exact([1.051184515, 1.010049494], 1 + theory.norm_excess([10, 50]), tolerance=1e-9)
    for size in (1e3, 1e8, 1e15):
        judge.exact(theory.norm_excess(size) * 2 * size, 1 + 1 / (4 * size) - 1 / (8 * size**2), tolerance=1e-9)
    for wrong in (0, 1.5, np.nan):
        with pytest.raises(ValueError, match="d:"):
            theory.norm_excess(wrong)


def test_expected_factors():
    """Over draws of Gaussian rows in R^3 with outputs of mean 0.3, and of one row, whose factors are known."""
    rng, (N, d) = np.random.default_rng(5), (5, 3)
    found = []
    for _ in range(3000):
        target = theory.factors(rng.normal(size=(N, d)), 0.3 + 0.4 * rng.normal(size=N))
        found.append([target.constant, np.sum(target.linear**2), target.remainder])
    norm = np.sqrt(d / (1 + theory.norm_excess(d)))
    judge.statistical(np.array(found), theory.expected_factors(N, d, 0.3, 0.25, norm, d), spoil=1.2)
    single = theory.factors(np.array([[3.0, 4.0]]), np.ones(1))
    judge.exact(theory.expected_factors(1, 2, 1.0, 1.0, 5.0, 25.0), [single.constant, 25 / 4, single.remainder], 1e-13)
    for match, call in {
        "output_square": lambda: theory.expected_factors(5, 3, 1.0, 0.5, 1.0, 1.0),
        "norm_square": lambda: theory.expected_factors(5, 3, 1.0, 1.0, 1.0, 0.9),
        "norm_mean": lambda: theory.expected_factors(5, 3, 1.0, 1.0, -1.0, 1.0),
        "N: 0": lambda: theory.expected_factors(0, 3, 1.0, 1.0, 1.0, 1.0),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()


def test_bad_input_is_refused_by_name():
    target = theory.factors(TARGET, OUTPUTS)
    for match, call in {
        "target_rows": lambda: theory.factors(TARGET[0], OUTPUTS),
        "target_weights": lambda: theory.factors(TARGET, OUTPUTS[1:]),
        "target: ": lambda: theory.simplified_loss(np.ones((1, 2)), np.ones(1), target),
        "target: 5 is not": lambda: theory.simplified_loss(np.ones((1, 3)), np.ones(1), 5),
        "target: None is not": lambda: theory.simplified_loss(np.ones((1, 3)), np.ones(1), None),
        "target: .1.0, 2.0. is not": lambda: theory.simplified_loss(np.ones((1, 3)), np.ones(1), (1.0, 2.0)),
        "N: is above": lambda: theory.expected_factors(10**400, 3, 1.0, 1.0, 1.0, 1.0),
        "target: nan": lambda: theory.simplified_loss(np.ones((1, 3)), np.ones(1), (np.nan, np.ones(3), 0.0)),
        "weights": lambda: theory.simplified_loss(np.ones((1, 3)), np.ones(2), target),
        "directions: row 0": lambda: theory.interaction(np.zeros((1, 3)), TARGET, OUTPUTS),
        "directions: 2": lambda: theory.interaction(np.ones((1, 2)), TARGET, OUTPUTS),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
