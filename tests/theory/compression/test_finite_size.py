"""Exact compression of finite samples."""

import numpy as np
import pytest

from jaxprune.theory import compression as theory
from jaxprune.theory.compression import finite_moment, heavy_limit
from tests import grades as judge


def test_reference_values():
    judge.exact(theory.gaussian_finite(10, 3), 0.2602444606277702, tolerance=1e-12)
    judge.exact(theory.stable_finite([10, 2], [3, 1], 1.0), [0.08156457518260121, 0.12877313], tolerance=1e-7)
    judge.exact(theory.stable_finite(10, 3, 1.0), 0.08156457518260121, tolerance=1e-10)


def test_pairs():
    """Two Gaussian entries are at a uniform angle; the ratio of two Cauchy entries has a known law."""
    judge.exact(theory.gaussian_finite(2, 1), 0.5 - 1 / np.pi)
    angle = (np.arange(200000) + 0.5) / 200000 * np.pi / 2
    share = np.minimum(np.cos(angle), np.sin(angle)) ** 2
    ratio = np.tan(angle)
    density = 2 / np.pi**2 * np.where(ratio == 1, 0, np.log(ratio**2)) / (ratio**2 - 1) * (1 + ratio**2)
    judge.exact(theory.stable_finite(2, 1, 1.0), np.mean(share * density) * np.pi / 2, tolerance=1e-6)


@pytest.mark.parametrize("n, kept", [(2, 1), (10, 9), (10, 1), (1000, 100), (100000, 1), (1000, 999)])
def test_gaussian_by_both_routes(n, kept):
    judge.exact(theory.stable_finite(n, kept, 2.0), theory.gaussian_finite(n, kept), tolerance=1e-9)


def test_large_samples_reach_the_limits():
    judge.exact(theory.gaussian_finite(10**6, 10**5), finite_moment.finite_moment_limit("normal", 0.1) ** 2, tolerance=1e-5)
    found = theory.stable_finite([10**3, 10**4], [100, 1000], 1.5) * np.array([10**3, 10**4]) ** (1 / 3)
    gaps = found / heavy_limit.heavy_limit_moment(1.5, 2.0, 0.1) - 1
    assert abs(gaps[1]) < 0.2 * abs(gaps[0]) < 0.01  # O(1/n)


def test_ends_and_shapes():
    assert theory.gaussian_finite(5, 5) == theory.stable_finite(5, 5, 1.5) == 0
    assert theory.gaussian_finite(5, 0) == theory.stable_finite(5, 0, 1.5) == 1
    assert theory.gaussian_finite(np.array([[5], [6]]), [1, 2, 3]).shape == (2, 3)


@pytest.mark.parametrize("alpha, n, kept", [(0.4, 8, 1), (1.2, 30, 4), (1.8, 12, 6)])
def test_samples_agree(alpha, n, kept):
    rng = np.random.default_rng(6)
    angle, waiting = np.pi * (rng.random((60000, n)) - 0.5), rng.exponential(size=(60000, n))
    x = np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / waiting) ** (1 / alpha - 1)
    energy = np.sort(x**2, axis=1)
    shares = energy[:, : n - kept].sum(axis=1) / energy.sum(axis=1)
    judge.statistical(shares, theory.stable_finite(n, kept, alpha), spoil=1.05)


@pytest.mark.parametrize("function, arguments, name", [
    (theory.gaussian_finite, (5, 6), "kept"), (theory.gaussian_finite, (0, 0), "n"), (theory.gaussian_finite, (5.5, 1), "n"),
    (theory.stable_finite, (5, -1, 1.5), "kept"), (theory.stable_finite, (5, 1, 0.0), "alpha"),
    (theory.stable_finite, (5, 1, 2.1), "alpha"), (theory.stable_finite, (5, 1, np.nan), "alpha"),
])  # fmt: skip
def test_bad_input(function, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        function(*arguments)
