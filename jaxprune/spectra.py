"""Spectra (eigenvalues, shape (d,)) and covariance matrices (shape (d, d)), as float64 NumPy arrays."""

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]
Matrix = NDArray[np.float64]


def constant(dim: int, value: float = 1.0) -> Spectrum:
    """All eigenvalues equal to ``value``.

    Args:
        dim: How many eigenvalues, d.
        value: The eigenvalue, >= 0.

    Returns:
        Eigenvalues (d,).
    """
    return np.full(dim, float(value))


def spiked(dim: int, count: int, height: float, floor: float = 1.0) -> Spectrum:
    """The first ``count`` eigenvalues at ``height``, the others at ``floor``.

    Args:
        dim: How many eigenvalues, d.
        count: How many of them are spikes, in 0 .. d.
        height: Height of the spikes, >= 0.
        floor: Eigenvalue of the others, >= 0.

    Returns:
        Eigenvalues (d,).

    Raises:
        ValueError: For a count out of range.
    """
    if not 0 <= count <= dim:
        raise ValueError(f"count: {count} spikes do not fit into dim = {dim}; use 0 <= count <= dim")
    return np.where(np.arange(dim) < count, float(height), float(floor))


def power(dim: int, exponent: float, scale: float = 1.0) -> Spectrum:
    """``scale * i**-exponent`` for i = 1 .. dim.

    Args:
        dim: How many eigenvalues, d.
        exponent: Exponent of the power law; > 0 for a falling one.
        scale: The first eigenvalue, >= 0.

    Returns:
        Eigenvalues (d,).
    """
    return scale * np.arange(1.0, dim + 1) ** -float(exponent)


def exponential(dim: int, rate: float, floor: float = 0.0) -> Spectrum:
    """``floor + exp(-rate * i / dim)`` for i = 0 .. dim - 1.

    Args:
        dim: How many eigenvalues, d.
        rate: Rate of the decay, per d places; > 0 for a falling spectrum.
        floor: What is added to all, >= 0.

    Returns:
        Eigenvalues (d,).
    """
    return floor + np.exp(-float(rate) * np.arange(float(dim)) / dim)


def linear(dim: int, first: float, last: float) -> Spectrum:
    """Evenly spaced from ``first`` to ``last``.

    Args:
        dim: How many eigenvalues, d.
        first, last: The ends, >= 0.

    Returns:
        Eigenvalues (d,).
    """
    return np.linspace(first, last, dim)


def ar1(dim: int, rho: float) -> Matrix:
    """Covariance ``rho**|i - j|`` of a stationary autoregression.

    Args:
        dim: How many features, d.
        rho: Correlation of neighbours, in (-1, 1).

    Returns:
        The covariance (d, d).

    Raises:
        ValueError: For a correlation out of range.
    """
    if not -1 < rho < 1:
        raise ValueError(f"rho: {rho} is not inside (-1, 1)")
    return float(rho) ** np.abs(np.subtract.outer(np.arange(dim), np.arange(dim)))


def equicorrelated(dim: int, rho: float) -> Matrix:
    """Unit variances, every correlation equal to ``rho``.

    Args:
        dim: How many features, d.
        rho: The correlation, in [-1/(d-1), 1].

    Returns:
        The covariance (d, d).

    Raises:
        ValueError: For a correlation out of range.
    """
    if not -1 / max(dim - 1, 1) <= rho <= 1:
        raise ValueError(f"rho: {rho} gives no covariance in dimension {dim}; use -1/(dim-1) <= rho <= 1")
    return np.full((dim, dim), float(rho)) + (1.0 - rho) * np.eye(dim)


def rank_one(direction: Spectrum) -> Matrix:
    """``direction direction^T``: every feature is a multiple of one variable.

    Args:
        direction: The multiple of that variable that each feature is (d,).

    Returns:
        The covariance (d, d).
    """
    return np.outer(direction, direction)


def random_directions(eigs: Spectrum, seed: int) -> Matrix:
    """A covariance with given eigenvalues in uniformly random orthogonal directions.

    Args:
        eigs: The eigenvalues (d,), >= 0.
        seed: Seed of the directions, an integer >= 0.

    Returns:
        The covariance (d, d).
    """
    gaussian = np.random.default_rng(seed).standard_normal((len(eigs), len(eigs)))
    basis, triangle = np.linalg.qr(gaussian)
    basis = basis * np.sign(np.diag(triangle))  # uniform only with these signs
    return (basis * eigs) @ basis.T
