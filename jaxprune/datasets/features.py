"""Random features of real data, and Gaussian rows with the same second moments."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relu_features(inputs: Array, count: int, seed: int) -> Array:
    """Centred ReLU features of inputs that are centred first, with weights N(0, 1).

    Centred inputs make every feature active on half of the samples: one that is rarely active ruins a small sample.

    Args:
        inputs: Inputs (samples, d).
        count: How many features, >= 1.
        seed: Seed of the weights, an integer >= 0.

    Returns:
        The features (samples, count).
    """
    weights = np.random.default_rng(seed).normal(size=(inputs.shape[1], count))
    features = np.maximum((inputs - inputs.mean(axis=0)) @ weights, 0)
    return features - features.mean(axis=0)


def gaussian_rows(covariance: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Rows of Gaussian directions with given second moments, and one more column that is uncorrelated with them.

    Args:
        covariance: The second moments (d, d), which the rows have exactly; positive semi-definite.
        count: How many rows, > d: fewer cannot have those moments.
        seed: Seed of the directions, an integer >= 0.

    Returns:
        Rows (count, d), and the column (count,), of mean square 1.

    Raises:
        ValueError: For too few rows.
    """
    dim = len(covariance)
    if count <= dim:
        raise ValueError(f"count: {count} rows cannot have the second moments of {dim} features and a rest; use more")
    white = np.sqrt(count) * np.linalg.qr(np.random.default_rng(seed).normal(size=(count, dim + 1)))[0]
    eigs, basis = np.linalg.eigh(covariance)
    return white[:, :dim] @ (basis * np.sqrt(np.maximum(eigs, 0))).T, white[:, dim]
