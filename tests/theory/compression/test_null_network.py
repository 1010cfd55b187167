"""Theory of the network that learns nothing, against closed forms and a crude Monte Carlo."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory import stable
from jaxprune.theory.compression import null_network
from jaxprune.theory.stable import norms
from tests import grades as judge


@pytest.mark.parametrize("dim", [1, 5, 40])
def test_gaussian_norms(dim):
    """alpha = 2: |X|^2 is 2 chi^2."""
    r = np.array([0.1, 0.5, 1.0, 2.0]) * np.sqrt(2 * dim)
    judge.exact(null_network.norm_cdf(r, 2.0, dim), stats.chi2.cdf(r**2 / 2, dim), 1e-9)
    top = stats.chi2.isf(0.2, dim)
    judge.exact(null_network.norm_quantile(0.2, 2.0, dim) ** 2, 2 * top, 1e-8)
    judge.exact(null_network.removed_energy(0.2, 2.0, dim), 2 * dim * stats.chi2.cdf(top, dim + 2), 1e-7)


@pytest.mark.parametrize("alpha", [0.8, 1.2, 1.75])
def test_type_i_is_one_scalar(alpha):
    for dim in (1, 9):
        t = stable.abs_quantile(0.1, alpha)
        judge.exact(null_network.norm_quantile(0.1, alpha, dim, "I"), t * dim**0.5, 1e-7)
        judge.exact(null_network.removed_energy(0.1, alpha, dim, "I"), dim * stable.truncated_moment(t, 2.0, alpha), 1e-7)


@pytest.mark.parametrize("alpha, dim", [(0.15, 50), (0.7, 3), (1.2, 784), (1.9, 50), (2 - 1e-5, 8)])
def test_norms_of_many_inputs(alpha, dim):
    """Two quadratures: over the mixing variable, and over the norm of the Gaussian factor, which is narrow for many inputs."""
    r = np.sqrt(dim) * np.array([0.0, 0.3, 1.0, 1.5, 4.0, 100.0])
    judge.exact(null_network.norm_cdf(r, alpha, dim), 1 - norms.norm_sf(r, alpha, dim), 1e-11)


@pytest.mark.parametrize("kind", ["I", "III"])
def test_tail_constant(kind):
    r = 3e4
    found = (1 - null_network.norm_cdf(r, 1.3, 6, kind)) * r**1.3
    judge.exact(found, stable.norm_tail_constant(1.3, 6, kind), 1e-4)


@pytest.mark.slow
def test_function_energy_against_direct_integration():
    """Gaussian weights in one dimension: E tanh(s R g)^2 by two nested integrals."""

    def inner(r):
        return integrate.quad(lambda g: np.tanh(0.7 * r * g) ** 2 * stats.norm.pdf(g), -9, 9)[0]

    top = np.sqrt(2) * stats.norm.isf(0.05)
    for kappa, end in ((None, 12.0), (0.1, top)):
        direct = integrate.quad(lambda r: inner(r) * 2 * stats.norm.pdf(r, scale=2**0.5), 0, end)[0]
        judge.exact(null_network.function_energy(0.7, 2.0, 1, "III", kappa), direct, 1e-6)


@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.5])
def test_function_energy_of_very_heavy_tails(alpha):
    """E T(R) is the integral of T' over P(R > r): a plain sum over log r, far out on either side."""
    log_r = np.arange(-30.0, 40 / alpha, 0.02)
    r = np.exp(log_r)
    direct = 0.02 * np.sum(r * 0.5 * null_network._seen(0.5 * r)[1] * (1 - null_network.norm_cdf(r, alpha, 4)))
    judge.exact(null_network.function_energy(0.5, alpha, 4), direct, 1e-8)


@pytest.mark.parametrize("kind, alpha, dim", [("III", 1.2, 8), ("I", 1.5, 3)])
def test_monte_carlo(kind, alpha, dim):
    rng = np.random.default_rng(1)
    size = 400_000
    if kind == "I":
        norms = dim**0.5 * np.abs(stats.levy_stable.rvs(alpha, 0, size=size, random_state=rng))
    else:
        a = alpha / 2
        scale = np.cos(np.pi * a / 2) ** (1 / a)
        mixing = stats.levy_stable.rvs(a, 1, scale=scale, size=size, random_state=rng)
        norms = np.sqrt(2 * mixing * rng.chisquare(dim, size))
    t = null_network.norm_quantile(0.1, alpha, dim, kind)
    below = norms <= t
    judge.statistical(below.astype(float), np.array(0.9), spoil=1.02)
    judge.statistical(norms**2 * below, np.array(null_network.removed_energy(0.1, alpha, dim, kind)), spoil=1.05)
    seen = np.tanh(0.6 * norms * rng.standard_normal(size)) ** 2
    judge.statistical(seen, np.array(null_network.function_energy(0.6, alpha, dim, kind)), spoil=1.05)
    judge.statistical(seen * below, np.array(null_network.function_energy(0.6, alpha, dim, kind, 0.1)), spoil=1.05)


def test_the_error_of_the_function_stays():
    errors = [null_network.functional_error(k, 0.5, 1.2, 8) for k in (0.05, 0.1, 0.5)]
    assert 0.9 < errors[1] < np.sqrt(0.9) and errors[0] > errors[1] > errors[2]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="^noise: 'II'"):
        null_network.norm_cdf(1.0, 1.5, 3, "II")
    for kappa in (0.0, 1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="^kappa: "):
            null_network.norm_quantile(kappa, 1.5, 3)
    for alpha, dim, name in ((0.0, 4, "alpha"), (-1.0, 4, "alpha"), (2.5, 4, "alpha"), (1.5, 0, "dim"), (1.5, 1.5, "dim")):
        for noise in ("I", "III"):
            with pytest.raises(ValueError, match=f"^{name}: "):
                null_network.norm_quantile(0.1, alpha, dim, noise)
    for scale in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="^scale: "):
            null_network.functional_error(0.1, scale, 1.5, 4)
    assert null_network.function_energy(0.0, 1.5, 4) == 0
