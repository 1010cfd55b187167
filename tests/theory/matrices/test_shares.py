"""Shares of the energy: exact ones of finite Pareto matrices, their limits, and the counts that follow."""

import numpy as np
import pytest

from jaxprune.theory import compression
from jaxprune.theory import matrices as theory
from jaxprune.theory.compression import finite_size
from jaxprune.theory.matrices import finite, required
from tests import grades as judge


def test_reference_values():
    judge.exact(theory.expected_discarded_fraction([1, 20], 1.0), [0.3734924012328245, 0.030392683292288333], tolerance=1e-13)
    judge.exact(theory.expected_discarded_fraction(20, 1.5, 20000), 0.21824375685583788, tolerance=1e-12)
    judge.exact(theory.expected_discarded_fraction(50, 1.8, [5000]), [0.30665], tolerance=2e-5)
    huge = theory.expected_discarded_fraction([10**10, 10**12], [1.5, 1.2])
    judge.exact(huge[0], 0.00029766427806069037, tolerance=1e-13)
    judge.exact(huge[1], 5.9820578394177281e-9, tolerance=1e-13)


def test_two_entries():
    """The ratio of energies is r^(2/alpha) with r uniform: int r^c/(1 + r^c) dr, c = 2/alpha, to 30 digits."""
    known = [0.006850117270842274, 0.01682836354639764, 0.08809390827717973, 1 - np.pi / 4, 1 - np.log(2), 0.49950000099999184]
    found = theory.expected_discarded_fraction(1, [0.02, 0.05, 0.3, 1.0, 2.0, 1000.0], 2)
    assert np.all(np.abs(found / known - 1) <= 1e-12)


@pytest.mark.parametrize(
    "N, s, alpha", [(10, 9, 0.5), (1000, 999, 1.5), (1000, 500, 2.0), (300, 30, 1.9), (1000, 1, 4.0), (100, 20, 100.0)]
)
def test_another_quadrature_agrees(N, s, alpha):
    """That of any law with a quantile."""
    known = finite_size.expected_share(N, s, lambda p: p ** (-1 / alpha), min(1.0, 2 * alpha))
    judge.exact(theory.expected_discarded_fraction(s, alpha, N), known, tolerance=1e-11)


@pytest.mark.parametrize(
    "N, s, alpha", [(10**14, 10**6, 1.2), (10**9, 10**9 - 1, 2.0), (10**9, 3, 4.0), (10**5, 10**4, 0.1), (500, 250, 1e4)]
)
def test_finer_grids_change_nothing(N, s, alpha, monkeypatch):
    coarse = theory.expected_discarded_fraction(s, alpha, N)
    monkeypatch.setattr(finite, "SPACING", 0.11)
    monkeypatch.setattr(finite, "FINENESS", 7)
    judge.exact(coarse, theory.expected_discarded_fraction(s, alpha, N), tolerance=1e-11)


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_many_entries_reach_the_limit_as_the_correction_says(alpha):
    """The gap is of order N^(1-2/alpha)."""
    limit = theory.expected_discarded_fraction(10, alpha)
    gaps = np.log(np.abs(theory.expected_discarded_fraction(10, alpha, [10**4, 10**5, 10**6]) / limit - 1))
    judge.exact(np.diff(gaps) / np.log(10), [1 - 2 / alpha] * 2, tolerance=0.04, spoil=1.1)


def test_light_tails_reach_their_fraction():
    for alpha in (3.0, 5.0):
        found = theory.expected_discarded_fraction(200_000, alpha, 10**6)
        judge.exact(found, required.discarded_at_fraction(0.2, alpha), tolerance=2e-3, spoil=1.01)
        kappa = theory.kept_fraction(0.3, alpha)
        judge.exact(required.discarded_at_fraction(kappa, alpha), 0.09)
    assert required.discarded_at_fraction(0.2, 1.5) == 0


def test_shares_at_a_threshold_are_those_of_the_count():
    """E of the energy above tau is int x dN(x), N(tau) the mean count above."""
    for alpha in (0.4, 1.0, 1.7):
        tau = np.linspace(0.3, 1, 20001)[:-1]
        counts = theory.count_above(tau, alpha)
        energy = np.sum((tau[:-1] ** 2 + tau[1:] ** 2) / 2 * -np.diff(counts)) + counts[-1]
        judge.exact(1 - theory.discarded_at_threshold(0.3, alpha), energy, tolerance=1e-4)
        assert theory.sampling_count(2.0, alpha) == 0.5
        judge.exact(theory.sampling_count(1 - 1e-12, alpha), 1.0, tolerance=1e-6)


def test_ends_and_shapes():
    assert theory.expected_discarded_fraction(0, 1.0) == theory.expected_discarded_fraction(0, 3.0, 10) == 1
    assert theory.expected_discarded_fraction(10, 3.0, 10) == 0
    assert theory.expected_discarded_fraction(np.arange(3)[:, None], [1.0, 2.0], 30).shape == (3, 2)


def test_entries_needed():
    assert theory.entries_for_frobenius(0.1, 1.0) == 63
    assert theory.entries_for_frobenius(0.1, 1.5, 512**2) == 33578
    for eps, alpha, N in ((0.3, 1.9, 1000), (0.1, 3.0, 400), (0.5, 2.0, 10**8)):
        s = theory.entries_for_frobenius(eps, alpha, N)
        around = theory.expected_discarded_fraction([s, s - 1], alpha, N)
        assert around[0] <= eps**2 < around[1]
    assert theory.entries_for_frobenius([0.1, 0.2], 1.0).shape == (2,)


def test_counts_scale_as_they_should():
    for alpha in (0.6, 1.0, 1.4):
        constant, exponent = required.count_scaling(alpha)
        eps = 1e-3 if alpha == 1.4 else 1e-4
        judge.exact(theory.entries_for_frobenius(eps, alpha), constant * eps**-exponent, tolerance=2e-3)
    judge.exact(required.count_scaling(1.0)[0], 2 / np.pi)


def test_moments_of_shares():
    assert theory.stable_rank(1.0) == 2 and theory.participation(1.5) == 0.25
    judge.exact(theory.participation(1.2), compression.participation(1.2, 2.0))
    judge.exact(theory.one_sd_kept(400, 1.2), theory.count_above(0.05, 1.2))
    judge.exact(theory.one_sd_discarded(400, 1.2), theory.discarded_at_threshold(0.05, 1.2))
