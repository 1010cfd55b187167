"""The energy of independent stable coordinates, from its Laplace transform."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import wofz

from jaxprune.theory.compression import energies
from jaxprune.theory.numerics import laplace_inversion as theory
from tests import grades as judge


def test_cauchy_transform():
    """E exp(-l X^2) = e^l erfc(sqrt l), continued to complex l."""
    rate = np.array([1e-6, 0.3, 50.0, 1e6, 1 + 1000j, 0.1 + 10j, 1e-6 - 1e-3j])
    found, slope = theory.transform(rate, 1.0)
    ratios = found / wofz(1j * np.sqrt(rate))
    judge.exact(ratios.real, np.ones(7))
    judge.exact(1 + ratios.imag, np.ones(7))
    shifted = theory.transform(rate * (1 + 1e-6), 1.0)[0], theory.transform(rate * (1 - 1e-6), 1.0)[0]
    judge.exact(np.abs(slope), np.abs(shifted[0] - shifted[1]) / 2e-6, tolerance=1e-7)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 1.5, 1.99])
def test_transform_by_plain_quadrature(alpha):
    for rate in (1e-4, 1.0, 1e4):
        plain = integrate.quad(
            lambda v, rate=rate: np.exp(v - np.exp(2 * v) / 2 - (2 * rate) ** (alpha / 2) * np.exp(alpha * v)),
            -45,
            4,
            limit=400,
        )[0]
        judge.exact(theory.transform(np.array([rate + 0j]), alpha)[0].real, plain * np.sqrt(2 / np.pi), tolerance=1e-7)


@pytest.mark.parametrize("alpha", [0.6, 1.0, 1.75, 1.99])
def test_one_coordinate_is_a_square(alpha):
    log_y = np.array([-3.0, 0.0, 2.0, 12.0])
    truncated, cdf = theory.truncated_and_cdf(log_y, alpha, 1)
    scalar = energies.law_of(alpha, 1, 1)
    judge.exact(truncated / scalar.truncated(log_y), np.ones(4), tolerance=1e-8)
    judge.exact(cdf / scalar.cdf(log_y), np.ones(4), tolerance=1e-8)


def test_nearly_gaussian_coordinates_are_a_chi_square():
    log_y = np.log(2 * stats.chi2.ppf([0.1, 0.5, 0.9], 40))
    judge.exact(theory.truncated_and_cdf(log_y, 2 - 1e-7, 40)[1], [0.1, 0.5, 0.9], tolerance=1e-5)


def test_samples_agree():
    rng, alpha, dim = np.random.default_rng(14), 1.4, 5
    angle, waiting = np.pi * (rng.random((100000, dim)) - 0.5), rng.exponential(size=(100000, dim))
    x = np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / waiting) ** (1 / alpha - 1)
    energy, y = np.sum(x**2, axis=1), np.array([10.0, 30.0, 300.0])
    truncated, cdf = theory.truncated_and_cdf(np.log(y), alpha, dim)
    judge.statistical(energy[:, None] <= y, cdf, spoil=1.05)
    judge.statistical(np.where(energy[:, None] <= y, energy[:, None], 0.0), truncated, spoil=1.05)
