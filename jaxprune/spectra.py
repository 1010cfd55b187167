"""Spectra (eigenvalues, shape (d,)) and covariance matrices (shape (d, d)), as float64 NumPy arrays."""

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]
Matrix = NDArray[np.float64]


def constant(dim: int, value: float = 1.0) -> Spectrum:
    """All eigenvalues equal to ``value``."""
    return np.full(dim, float(value))


def spiked(dim: int, count: int, height: float, floor: float = 1.0) -> Spectrum:
    """The first ``count`` eigenvalues at ``height``, the others at ``floor``."""
    if not 0 <= count <= dim:
        raise ValueError(f"count: {count} spikes do not fit into dim = {dim}; use 0 <= count <= dim")
    return np.where(np.arange(dim) < count, float(height), float(floor))


def power(dim: int, exponent: float, scale: float = 1.0) -> Spectrum:
    """``scale * i**-exponent`` for i = 1 .. dim."""
    return scale * np.arange(1.0, dim + 1) ** -float(exponent)


def exponential(dim: int, rate: float, floor: float = 0.0) -> Spectrum:
    """``floor + exp(-rate * i / dim)`` for i = 0 .. dim - 1."""
    return floor + np.exp(-float(rate) * np.arange(float(dim)) / dim)


def linear(dim: int, first: float, last: float) -> Spectrum:
    """Evenly spaced from ``first`` to ``last``."""
    return np.linspace(first, last, dim)


def ar1(dim: int, rho: float) -> Matrix:
    """Covariance ``rho**|i - j|`` of a stationary autoregression, -1 < rho < 1."""
    if not -1 < rho < 1:
        raise ValueError(f"rho: {rho} is not inside (-1, 1)")
    return float(rho) ** np.abs(np.subtract.outer(np.arange(dim), np.arange(dim)))


def equicorrelated(dim: int, rho: float) -> Matrix:
    """Unit variances, every correlation equal to ``rho``, -1/(dim-1) <= rho <= 1."""
    if not -1 / max(dim - 1, 1) <= rho <= 1:
        raise ValueError(f"rho: {rho} gives no covariance in dimension {dim}; use -1/(dim-1) <= rho <= 1")
    return np.full((dim, dim), float(rho)) + (1.0 - rho) * np.eye(dim)


def rank_one(direction: Spectrum) -> Matrix:
    """``direction direction^T``: every feature is a multiple of one variable."""
    return np.outer(direction, direction)


def random_directions(eigs: Spectrum, seed: int) -> Matrix:
    """A covariance with eigenvalues ``eigs`` in uniformly random orthogonal directions, drawn from ``seed``."""
    gaussian = np.random.default_rng(seed).standard_normal((len(eigs), len(eigs)))
    basis, triangle = np.linalg.qr(gaussian)
    basis = basis * np.sign(np.diag(triangle))  # uniform only with these signs
    return (basis * eigs) @ basis.T
