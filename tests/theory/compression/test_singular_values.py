"""Truncated singular value decompositions of Gaussian matrices."""

import numpy as np
import pytest
from scipy import integrate

from jaxprune.theory.compression.singular_values import singular_value_limit_gaussian as limit
from tests import grades as judge


def test_reference_value():
    judge.exact(limit(0.2), 0.4644138135105959)


@pytest.mark.parametrize("aspect", [0.001, 0.0099, 0.0101, 0.3, 1.0])
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.9])
def test_law_of_marchenko_and_pastur(aspect, kept):
    """The share below a threshold and its energy, from the density of the squared singular values."""
    low, high = (1 - np.sqrt(aspect)) ** 2, (1 + np.sqrt(aspect)) ** 2

    def part(power, end):  # x = centre + radius sin(u)
        def value(u):
            x = 0.5 * (low + high) + 0.5 * (high - low) * np.sin(u)
            return (0.5 * (high - low) * np.cos(u)) ** 2 / (2 * np.pi * aspect) * x ** (power - 1)

        return integrate.quad(value, -np.pi / 2, end, epsabs=1e-13, epsrel=1e-11, limit=300)[0]

    ends = [-np.pi / 2, np.pi / 2]
    for _ in range(60):
        middle = np.mean(ends)
        ends[part(0, middle) > 1 - kept] = middle
    judge.exact(limit(kept, aspect), part(1, np.mean(ends)), tolerance=1e-8)


def test_ends_and_shapes():
    assert limit(1.0) == limit(1.0, 0.5) == 0
    assert 0.999999 < limit(1e-9) < 1
    judge.exact(limit(np.array([0.1, 0.7]), 1e-14), [0.9, 0.3], tolerance=1e-6)  # equal singular values
    assert limit(np.full((2, 1), 0.2), np.array([0.1, 0.5, 1.0])).shape == (2, 3)


@pytest.mark.slow
def test_matrices_agree():
    rng = np.random.default_rng(7)
    energies = np.stack([np.linalg.svd(rng.normal(size=(150, 300)), compute_uv=False) ** 2 for _ in range(40)])
    shares = energies[:, 45:].sum(axis=1) / energies.sum(axis=1)
    judge.exact(np.mean(shares), limit(0.3, 0.5), tolerance=5e-3)


@pytest.mark.parametrize("arguments, name", [
    ((0.0,), "kept_fraction"), ((1.2,), "kept_fraction"), ((0.5, 0.0), "aspect"), ((0.5, 2.0), "aspect"), ((np.nan,), "kept_fraction"),
])  # fmt: skip
def test_bad_input(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        limit(*arguments)
