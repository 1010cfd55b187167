"""Asymptotics of tail-index estimators against the estimators themselves."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import polygamma

from jaxprune.theory import tails as theory
from tests import grades as judge


def draws(rng, alpha, shape):
    angle, waiting = np.pi * (rng.random(shape) - 0.5), rng.exponential(size=shape)
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / waiting) ** (1 / alpha - 1)


def test_reference_values():
    judge.exact([theory.hill_bias_slope(1.5), theory.ecf_variance(1.5)], [1.3333333333333333, 3.5836609426805524])
    judge.exact(theory.block_variance(2.0, 10, 1000), 0.0002364336620158343)
    judge.exact(theory.hill_bias_slope(1.8), 5.754, tolerance=1e-4)


@pytest.mark.parametrize("block", [2, 10, 1000])
def test_gaussian_blocks(block):
    judge.exact(theory.block_covariance(2.0, block), np.arcsin(block**-0.5) ** 2 / 2)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("block", [2, 50])
def test_block_covariance_by_plain_quadrature(alpha, block):
    rho, cusp, reach = block ** (-1 / alpha), np.log(block) / alpha, 40 / min(alpha, 1)

    def value(u):
        v = np.exp(u)
        sides = ((1 + rho * v) ** alpha + v**alpha * (1 - 1 / block)) * (abs(1 - rho * v) ** alpha + v**alpha * (1 - 1 / block))
        return np.log(sides / (1 + v**alpha) ** 2)

    parts = [integrate.quad(value, *ends, limit=400)[0] for ends in ((cusp - reach, cusp), (cusp, cusp + reach))]
    judge.exact(theory.block_covariance(alpha, block), -sum(parts) / (2 * alpha), tolerance=1e-8)


@pytest.mark.parametrize("alpha, block", [(0.5, 2), (1.2, 5), (1.8, 20)])
def test_block_estimates_agree(alpha, block):
    x = draws(np.random.default_rng(8), alpha, (4000, 30, block))
    estimates = (np.log(np.abs(x.sum(axis=2))).mean(axis=1) - np.log(np.abs(x)).mean(axis=(1, 2))) / np.log(block)
    judge.statistical(estimates, 1 / alpha, spoil=1.05)
    judge.statistical((estimates - 1 / alpha) ** 2, theory.block_variance(alpha, block, 30), spoil=1.25)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [1.3])
def test_hill_estimates_agree(alpha):
    n, k = 5000, 50
    tops = np.sort(np.abs(draws(np.random.default_rng(9), alpha, (1200, n))), axis=1)[:, -k - 1 :]
    estimates = np.log(tops[:, 1:]).mean(axis=1) - np.log(tops[:, 0])
    shift = theory.hill_bias_slope(alpha) * k / n
    judge.statistical(estimates, 1 / alpha - shift, spoil=1.05)
    judge.statistical((estimates - 1 / alpha + shift) ** 2, theory.hill_error(alpha, k) ** 2, spoil=1.4)


@pytest.mark.parametrize("alpha", [0.7, 1.9])
def test_two_point_estimates_agree(alpha):
    n = 4000
    x = draws(np.random.default_rng(10), alpha, (1000, n))
    first, second = (-np.log(np.cos(t * x).mean(axis=1)) for t in (0.2, 0.8))
    estimates = np.log(second / first) / np.log(4)
    judge.statistical(n * (estimates - alpha) ** 2, theory.ecf_variance(alpha), spoil=1.4)
    by_name = theory.ecf_variance(alpha, second=0.8, first=0.2)
    judge.exact(by_name, theory.ecf_variance(alpha, 0.8, 0.2))  # both orders of the arguments are the same estimate


@pytest.mark.parametrize("alpha, dim", [(0.8, 1), (1.5, 1), (2.0, 3)])
def test_log_variance_estimates_agree(alpha, dim):
    n, rng = 2000, np.random.default_rng(11)
    logs = np.log(np.abs(draws(rng, alpha, (1500, n)))) if dim == 1 else 0.5 * np.log(rng.chisquare(dim, (1500, n)))
    gap = logs.var(axis=1, ddof=1) - polygamma(1, dim / 2) / 4
    estimates = 1 / np.sqrt(6 / np.pi**2 * gap + 0.25)
    judge.statistical((estimates - alpha) ** 2, theory.log_variance_error(alpha, n, dim) ** 2, spoil=1.35)


def test_student_data_look_stable():
    x = np.random.default_rng(12).standard_t(3, size=(200, 400, 10))
    inverse = (np.log(np.abs(x.sum(axis=2))).mean(axis=1) - np.log(np.abs(x)).mean(axis=(1, 2))) / np.log(10)
    judge.statistical(inverse, 1 / theory.block_limit_student(3.0, 10), spoil=1.05)
    judge.exact(theory.block_limit_student([3.0, 1.5], 10), [1.65, 1.29], tolerance=6e-3)  # guide/tails.md, A report
    judge.exact(theory.block_limit_student(1.0, [2, 100]), [1.0, 1.0])  # Cauchy
    judge.exact(theory.block_limit_student(99.999, 10), theory.block_limit_student(100.001, 10), tolerance=1e-6)
    judge.exact(theory.block_limit_student(1e7, 10), 2.0, tolerance=1e-6)


def test_the_whole_range_is_finite():
    alpha = np.array([[0.05], [1.0], [1.999], [2.0]])
    for value in (theory.block_variance(alpha, [2, 1000], 2), theory.ecf_variance(alpha, [0.01, 1.0], 3.0)):
        assert value.shape == (4, 2) and np.all(np.isfinite(value)) and np.all(value > 0)
    assert theory.hill_bias_slope(1.0) == 0 and isinstance(theory.hill_bias_slope(1.5), float)


@pytest.mark.parametrize("function, arguments, name", [
    (theory.hill_bias_slope, (2.0,), "alpha"), (theory.hill_error, (1.5, 0), "k"), (theory.hill_error, (0.0, 5), "alpha"),
    (theory.ecf_variance, (1.5, 0.0), "first"), (theory.ecf_variance, (1.5, 0.2, 0.2), "second"),
    (theory.block_variance, (1.5, 1, 10), "block"), (theory.block_variance, (1.5, 10, 1), "blocks"),
    (theory.block_covariance, (0.0, 2), "alpha"), (theory.log_variance_error, (1.5, 1), "count"),
    (theory.log_variance_error, (1.5, 10, 0), "dim"), (theory.block_limit_student, (0.0, 5), "nu"),
])  # fmt: skip
def test_bad_input(function, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        function(*arguments)


def test_arguments_where_the_characteristic_function_vanishes_have_no_finite_variance():
    with np.errstate(all="raise", under="ignore"):
        assert theory.ecf_variance(2.0, 1e-3, 30.0) == np.inf
