"""The vanishing error of heavy-tailed samples: moments, quantiles, widths."""

import numpy as np
import pytest
from scipy import stats

from jaxprune.theory import compression as theory
from jaxprune.theory import stable
from tests import grades as judge


def test_reference_values():
    judge.exact(theory.heavy_limit_moment([1.0, 1.5], 2.0, 0.1), [4.900034820559637, 1.0233543093200148])
    judge.exact(theory.required_width_log10(1.5, 0.1, 0.1), 6.0300780681218065)
    judge.exact(theory.pareto_limit_moment(1.0, 2.0, 0.1), 18 / np.pi)
    judge.exact(theory.error_cdf([0.2, 0.3, 0.4], 1.5, 0.1, 1000), [0.208, 0.466, 0.797], tolerance=2e-3)
    judge.exact(theory.required_width_log10([1.2, 1.5, 1.75, 1.9], 0.1, 0.1), [3.5, 6.0, 13.0, 34.0], tolerance=2e-3, spoil=1.1)


def test_cauchy_is_a_chi_square():
    p, kappa = np.array([0.01, 0.3, 0.9]), np.array([[0.02], [0.5]])
    t = 1 / np.tan(np.pi * kappa / 2)
    judge.exact(theory.heavy_limit_quantile(p, 1.0, 2.0, kappa), (t - np.arctan(t)) * stats.chi2.ppf(p, 1), tolerance=1e-9)
    judge.exact(theory.heavy_limit_moment(1.0, 2.0, kappa, 2.0), 3 * (t - np.arctan(t)) ** 2)


@pytest.mark.parametrize("alpha", [0.05, 0.4, 1.0, 1.5, 1.95])
def test_quantile_and_probability_are_inverse(alpha):
    p = np.array([0.02, 0.5, 0.98])
    n = 10**4
    errors = theory.error_quantile(p, alpha, 0.3, n)
    inside = (errors < 1) & (errors > 0)
    judge.exact(theory.error_cdf(errors[inside], alpha, 0.3, n), p[inside], tolerance=1e-9)
    scaled = theory.heavy_limit_quantile(p, alpha, 2.0, 0.3) ** 0.5 * n ** (0.5 - 1 / alpha)
    judge.exact(errors, scaled, tolerance=1e-9)


def test_width_gives_back_the_probability():
    width = theory.required_width(np.array([1.2, 1.5]), 0.1, 0.1, 0.9)
    judge.exact(theory.error_cdf(0.1, [1.2, 1.5], 0.1, np.round(width)), [0.9, 0.9], tolerance=1e-4)
    rms = theory.required_width(1.5, 0.1, 0.1)
    judge.exact(theory.heavy_limit_moment(1.5, 2.0, 0.1) * rms ** (1 - 2 / 1.5), 0.01)
    assert theory.required_width(1.999, 0.1, 0.1) == np.inf
    assert theory.required_width_log10(1.999, 0.1, 0.1) > 3000


@pytest.mark.parametrize("order", [1.2, 2.0])
def test_moments_are_those_of_the_quantiles(order):
    p = (np.arange(2000) + 0.5) / 2000
    values = theory.heavy_limit_quantile(p, 0.9, order, 0.2)
    judge.exact(np.mean(values), theory.heavy_limit_moment(0.9, order, 0.2), tolerance=2e-3)
    judge.exact(np.mean(values**0.5), theory.heavy_limit_moment(0.9, order, 0.2, 0.5), tolerance=2e-3)


def test_general_tails():
    """With the constants of the stable law the general formula is the stable one; a scale drops out."""
    t = stable.abs_quantile(0.1, 1.3)
    constants = stable.tail_constant(1.3), stable.truncated_moment(t, 2.0, 1.3)
    judge.exact(theory.tail_limit_moment(1.3, 2.0, *constants), theory.heavy_limit_moment(1.3, 2.0, 0.1))
    scaled = 7.0**1.3 * constants[0], 49.0 * constants[1]
    judge.exact(theory.tail_limit_moment(1.3, 2.0, *scaled), theory.heavy_limit_moment(1.3, 2.0, 0.1))
    small = theory.tail_scale(1.3, 2.0, *constants, n=100)
    judge.exact(small, theory.tail_scale(1.3, 2.0, *constants) * 100 ** (1 - 2 / 1.3))


def test_the_whole_range_is_finite():
    found = theory.heavy_limit_moment([0.05, 0.2, 1.0, 1.0001, 1.999], 2.0, 0.1)
    assert np.all(np.isfinite(found)) and np.all(found > 0)
    judge.exact(theory.heavy_limit_moment(1.0 + 1e-9, 2.0, 0.1), theory.heavy_limit_moment(1.0, 2.0, 0.1), tolerance=1e-7)
    # Next to alpha = 2 the limit is the Gaussian one, whose square is 0.5607.
    judge.exact(theory.heavy_limit_moment(1.9999, 2.0, 0.1), 0.7488083437844532**2, tolerance=1e-3, spoil=1.1)
    assert theory.heavy_limit_moment(1.5, 2.0, 1.0) == 0
    assert isinstance(theory.error_cdf(0.1, 1.5, 0.1, 100), float)
    assert theory.heavy_limit_moment(np.full((4, 1), 1.5), 2.0, np.array([0.1, 0.2])).shape == (4, 2)


def errors(samples, kept):
    """Squared relative errors, rows being samples."""
    energy = np.sort(samples**2, axis=1)
    return energy[:, : energy.shape[1] - kept].sum(axis=1) / energy.sum(axis=1)


def stable_draws(rng, alpha, shape):
    angle, waiting = np.pi * (rng.random(shape) - 0.5), rng.exponential(size=shape)
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / waiting) ** (1 / alpha - 1)


@pytest.mark.slow
@pytest.mark.parametrize("alpha, kappa", [(0.7, 0.05), (1.3, 0.3), (1.6, 0.02)])
def test_samples_agree(alpha, kappa):
    n = 1000
    found = errors(stable_draws(np.random.default_rng(3), alpha, (4000, n)), round(kappa * n))
    scaled = n ** (2 / alpha - 1) * found
    judge.statistical(np.stack([scaled, scaled**0.5], axis=1), theory.heavy_limit_moment(alpha, 2.0, kappa, [1.0, 0.5]))
    below = found <= theory.error_quantile(0.3, alpha, kappa, n) ** 2
    judge.statistical(below, 0.3, spoil=1.2)


@pytest.mark.slow
def test_pareto_samples_tend_to_the_limit():
    rng, gaps, deviations, sizes = np.random.default_rng(4), [], [], (100, 400, 1600)
    for n in sizes:
        scaled = (n ** (2 / 0.9 - 1) * errors(rng.random((4000, n)) ** (-1 / 0.9), n // 10)) ** 0.5
        expected = theory.pareto_limit_moment(0.9, 2.0, 0.1, 0.5)
        gaps.append(np.mean(scaled) / expected - 1)
        deviations.append(np.std(scaled) / np.sqrt(len(scaled)) / expected)
    judge.asymptotic(gaps, deviations, sizes, spoil=1.3)


@pytest.mark.parametrize("function, arguments, name", [
    (theory.heavy_limit_moment, (2.0, 2.0, 0.1), "alpha"), (theory.heavy_limit_moment, (1.5, 1.5, 0.1), "order"),
    (theory.heavy_limit_moment, (1.5, 1.0, 0.1), "order"), (theory.heavy_limit_moment, (1.5, 0.0, 0.1), "order"),
    (theory.heavy_limit_moment, (1.5, 2.0, 0.0), "kappa"), (theory.heavy_limit_moment, (1.5, 2.0, 0.1, 0.0), "power"),
    (theory.heavy_limit_moment, (np.nan, 2.0, 0.1), "alpha"), (theory.heavy_limit_quantile, (0.0, 1.5, 2.0, 0.1), "p"),
    (theory.error_quantile, (0.5, 1.5, 0.1, 9), "kappa"), (theory.error_quantile, (0.5, 1.5, 0.1, 10.5), "n"),
    (theory.error_cdf, (1.0, 1.5, 0.1, 100), "error"), (theory.required_width, (1.5, 0.1, 0.0), "error"),
    (theory.required_width, (1.5, 0.1, 0.1, 1.0), "confidence"), (theory.required_width, (0.0, 0.1, 0.1), "alpha"),
    (theory.required_width, (1.5, 1.5, 0.1), "kappa"), (theory.tail_scale, (1.5, 2.0, 0.0, 1.0), "tail_constant"),
    (theory.tail_scale, (1.5, 2.0, 1.0, -1.0), "truncated_moment"), (theory.pareto_limit_moment, (3.0, 2.0, 0.1), "order"),
])  # fmt: skip
def test_bad_input(function, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: .*;"):
        function(*arguments)
