"""Pruning ratios of pure noise: the Gaussian control, and the laws of the energy of a neuron."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory import compression as theory
from jaxprune.theory.compression import energies
from jaxprune.theory.stable import norms
from tests import grades as judge


def test_gaussian_control():
    judge.exact(theory.gaussian_pruning_ratio(64, 0.1), 0.13594850349638612)
    judge.exact(theory.gaussian_pruning_ratio([1, 2], 0.1)[0], 0.55539720, tolerance=1e-8)
    judge.exact(theory.gaussian_pruning_ratio(1, 0.1**2), 0.26529114, tolerance=1e-8)  # an unsquared error of 0.1
    assert theory.gaussian_pruning_ratio(np.inf, 0.3) == 0.3
    judge.exact(theory.gaussian_pruning_ratio(10**7, 0.3), 0.3, tolerance=1e-3)
    expected = stats.chi2.cdf(stats.chi2.ppf([0.01, 0.9], 9), 7)
    judge.exact(theory.gaussian_pruning_ratio(7, [0.01, 0.9]), expected)


def test_reference_means():
    """The simulated means of guide/compression.md, Pruning ratio (0.743 +- 0.005 and 0.466 +- 0.010)."""
    judge.exact(theory.pruning_ratio_mean(1.75, 2000), 0.743, tolerance=5e-3)
    judge.exact(theory.pruning_ratio_mean(1.75, 2000, 140, "III"), 0.466, tolerance=0.02, spoil=1.1)


@pytest.mark.slow
def test_alpha_two_is_reached_and_many_neurons_are_the_control():
    """Nothing jumps at alpha = 2, where the ratio of n neurons still has a spread; of many it is the Gaussian control."""
    for noise, dim in (("I", 1), ("II", 5), ("III", 5)):
        below, at = (theory.pruning_ratio_mean(alpha, 300, 5, noise) for alpha in (2 - 1e-5, 2.0))
        judge.exact(below, at, tolerance=5e-5, spoil=1.001)
        expected = theory.gaussian_pruning_ratio(dim, 0.1)
        judge.exact(theory.pruning_ratio_mean(2.0, 10**5, 5, noise), expected, tolerance=1e-4, spoil=1.001)
    narrow = [np.ptp(theory.pruning_ratio_quantile([0.1, 0.9], 2.0, n)) for n in (10**4, 10**6)]
    judge.exact(narrow[0] / narrow[1], 10, tolerance=0.05, spoil=1.2)
    assert theory.pruning_ratio_quantile(0.5, 2.0, 25, np.inf, "III") == 2 / 25  # equal energies, of which 2.5 may go


FEW = [
    (1.9, 30, 0.1),
    (1.99, 500, 0.1),
    (1.99, 500, 0.01),
    (2.0, 40, 0.1),
    (1.5, 2, 0.1),
    (1.2, 5, 0.3),
    (0.5, 30, 0.1),
    (0.05, 30, 0.1),
]


@pytest.mark.parametrize("alpha, n, share", FEW)
def test_few_neurons(alpha, n, share):
    """Textbook draws: the whole law at every n. Before, the 5 % quantile at alpha 1.9, n = 30 was 0.539 where 13/30 is right."""
    rng, count = np.random.default_rng(3), 20_000
    found = np.concatenate([ratios(scalar(rng, alpha, (count // 10, n)) ** 2, share) for _ in range(10)])
    judge.statistical(found, theory.pruning_ratio_mean(alpha, n, share=share), spoil=1.05 if alpha > 0.5 else 0.98)
    p = np.array([0.05, 0.5, 0.95])
    quantile = theory.pruning_ratio_quantile(p, alpha, n, share=share)
    slack = 5 * np.sqrt(p * (1 - p) / count)
    assert np.all(np.mean(found[:, None] <= quantile, axis=0) > p - slack)
    assert np.all(np.mean(found[:, None] < quantile - 1e-9, axis=0) < p + slack)


def test_two_neurons_are_one_integral():
    """P(ratio = 1/2) = P(smaller energy <= c larger energy), c = share/(1 - share): for two normals (2/pi) 2 arctan sqrt(c)."""
    for share in (0.1, 0.4):
        expected = 4 / np.pi * np.arctan(np.sqrt(share / (1 - share)))
        judge.exact(2 * theory.pruning_ratio_mean(2.0, 2, share=share), expected, tolerance=1e-8)


def test_one_input_makes_all_types_equal():
    p = np.array([0.05, 0.5, 0.95])
    first, second, third = (theory.pruning_ratio_quantile(p, 1.6, 500, 1, noise) for noise in (1, 2, 3))
    judge.exact(second, first)
    judge.exact(third, first)
    judge.exact(theory.pruning_ratio_quantile(p, 1.6, 500, 140, "I"), first)


@pytest.mark.parametrize("alpha", [0.15, 0.4, 1.0, 1.75, 1.95])
def test_mixtures_over_either_factor_agree(alpha, monkeypatch):
    log_y = np.log(12) + np.array([-0.3, 0.0, 1.0, 4.0])
    found = []
    for cost in (0, 10**9):
        monkeypatch.setattr(norms, "COST", cost)
        law = norms.isotropic.__wrapped__(alpha, 6)
        found.append([law.truncated(log_y), law.cdf(log_y)])
    judge.exact(found[0][0], found[1][0], tolerance=1e-9)
    judge.exact(found[0][1], found[1][1], tolerance=1e-9)


def test_an_isotropic_neuron_of_one_input_is_a_scalar():
    log_y = np.array([-4.0, 0.0, 3.0, 9.0])
    for alpha in (0.6, 1.5, 1.98):
        scalar, isotropic = energies.law_of(alpha, 1, 1), norms.isotropic(alpha, 1)
        judge.exact(isotropic.truncated(log_y), scalar.truncated(log_y), tolerance=1e-9)
        judge.exact(isotropic.cdf(log_y), scalar.cdf(log_y), tolerance=1e-9)
        judge.exact(isotropic.log_scale, scalar.log_scale)


def test_the_truncated_mean_is_that_of_the_distribution():
    for law in (energies.law_of(1.5, 9, 3), energies.law_of(1.5, np.inf, 2)):
        part = integrate.quad(lambda u, law=law: np.exp(u) * law.cdf(np.array([u]))[0], -40, 2, epsrel=1e-9, limit=200)[0]
        found = law.truncated(np.array([2.0]))[0]
        judge.exact(found, np.exp(2) * law.cdf(np.array([2.0]))[0] - part, tolerance=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("alpha, dim", [(1.2, 2), (1.75, 140)])
def test_independent_and_isotropic_neurons_are_nearly_equal(alpha, dim):
    """The exact laws of both energies leave them closer to each other than to infinitely many inputs."""
    second, third = (theory.pruning_ratio_mean(alpha, 400, dim, noise) for noise in ("II", "III"))
    assert 0 < abs(second - third) < 3e-4
    assert second - theory.pruning_ratio_mean(alpha, 400, np.inf, "II") > 3 * abs(second - third)


def test_quantiles_have_the_mean():
    p = (np.arange(400) + 0.5) / 400
    for dim, noise in ((1, "I"), (np.inf, "II"), (8, "III")):
        ratios = theory.pruning_ratio_quantile(p, 1.7, 1000, dim, noise)
        assert np.all(np.diff(ratios) >= 0)
        judge.exact(np.mean(ratios), theory.pruning_ratio_mean(1.7, 1000, dim, noise), tolerance=5e-4)


@pytest.mark.slow
def test_ends_and_shapes():
    ratios = theory.pruning_ratio_quantile([[0.01], [0.99]], [0.05, 1.0, 1.999], 1000)
    assert ratios.shape == (2, 3) and np.all((ratios > 0) & (ratios <= 1))
    assert isinstance(theory.pruning_ratio_mean(1.5, 100), float)
    for alpha in (0.05, 0.15):
        for dim in (2, 10**5):
            near = theory.pruning_ratio_quantile([0.05, 0.5], alpha, 1000, dim, "III")
            judge.exact(1 - near, 1 - theory.pruning_ratio_quantile([0.05, 0.5], alpha, 1000, np.inf, "III"), tolerance=1e-3)


def ratios(energy, share):
    """The largest share of neurons, rows being draws, whose energies add up to at most ``share`` of the total."""
    sums = np.cumsum(np.sort(energy, axis=1), axis=1)
    return np.mean(sums <= share * sums[:, -1:], axis=1)


def scalar(rng, alpha, shape):
    angle, waiting = np.pi * (rng.random(shape) - 0.5), rng.exponential(size=shape)
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / waiting) ** (1 / alpha - 1)


def positive(rng, a, shape):
    angle, waiting = np.pi * rng.random(shape), rng.exponential(size=shape)
    return np.sin(a * angle) / np.sin(angle) ** (1 / a) * (np.sin((1 - a) * angle) / waiting) ** (1 / a - 1)


SIMULATED = [(1.8, 1, "I", 0.1), (1.6, np.inf, "II", 0.2), (1.75, 6, "III", 0.1), (1.75, 6, "II", 0.1), (1.2, 20, "III", 0.05)]


@pytest.mark.slow
@pytest.mark.parametrize("alpha, dim, noise, share", SIMULATED)
def test_samples_agree(alpha, dim, noise, share):
    n, count, rng = 2000, 500 if noise == "II" and dim == 6 else 1500, np.random.default_rng(13)
    if dim == 1:
        energy = scalar(rng, alpha, (count, n)) ** 2
    elif np.isinf(dim):
        energy = positive(rng, alpha / 2, (count, n))
    elif noise == "III":
        energy = positive(rng, alpha / 2, (count, n)) * rng.chisquare(dim, (count, n))
    else:
        energy = np.sum([scalar(rng, alpha, (count, n)) ** 2 for _ in range(dim)], axis=0)
    found = ratios(energy, share)
    judge.statistical(found, theory.pruning_ratio_mean(alpha, n, dim, noise, share), spoil=1.1)
    below = found[:, None] <= theory.pruning_ratio_quantile([0.25, 0.75], alpha, n, dim, noise, share)
    judge.statistical(below, [0.25, 0.75], spoil=1.25)


@pytest.mark.parametrize("arguments, name", [
    ((0.0, 1.5, 100), "p"), ((0.5, 0.0, 100), "alpha"), ((0.5, 2.1, 100), "alpha"), ((0.5, 1.5, 0), "n"),
    ((0.5, 1.5, 100, 0), "dim"), ((0.5, 1.5, 100, 2.5, "III"), "dim"), ((0.5, 1.5, 100, 1, "IV"), "noise"),
    ((0.5, 1.5, 100, 1, "I", 1.0), "share"), ((0.5, np.nan, 100), "alpha"),
])  # fmt: skip
def test_bad_input(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        theory.pruning_ratio_quantile(*arguments)
    if name != "p":
        with pytest.raises(ValueError, match=f"^{name}: "):
            theory.pruning_ratio_mean(*arguments[1:])


@pytest.mark.parametrize(
    "alpha, n, dim, share, mean, error", [(0.4, 10, 3, 0.2, 0.86916, 1.3e-4), (0.45, 5, 2, 0.1, 0.70658, 2.2e-4), (1.9, 10, 2000, 0.1, 0.1229, 2.1e-3)]
)  # fmt: skip
def test_type_two_where_the_law_of_type_three_stands_for_it(alpha, n, dim, share, mean, error):
    """Means and standard errors of 200,000, 400,000 and 2,000 simulated layers, by Chambers, Mallows and Stuck in NumPy."""
    found = theory.pruning_ratio_mean(alpha, n, dim, "II", share)
    assert abs(found - mean) < 4.9 * error + 1e-3
    assert abs(1.2 * found - mean) > 4.9 * error + 1e-3


def test_many_inputs_are_no_jump():
    below, above = (theory.pruning_ratio_mean(1.8, 100, dim, "II") for dim in (1000, 1001))
    assert abs(below - above) < 1e-4
