"""Random features of real data, and Gaussian rows with the same second moments."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relu_features(inputs: Array, count: int, seed: int) -> Array:
    """``count`` centred ReLU features (samples, count) of centred inputs (samples, d), weights N(0, 1) drawn from ``seed``.

    Centred inputs make every feature active on half of the samples: one that is rarely active ruins a small sample.
    """
    weights = np.random.default_rng(seed).normal(size=(inputs.shape[1], count))
    features = np.maximum((inputs - inputs.mean(axis=0)) @ weights, 0)
    return features - features.mean(axis=0)


def gaussian_rows(covariance: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Rows (count, d) of Gaussian directions with exactly this ``covariance`` (d, d) as second moments, and one more column
    (count,), uncorrelated with them, of mean square 1.

    Raises ValueError unless count > d: fewer rows cannot have those moments.
    """
    dim = len(covariance)
    if count <= dim:
        raise ValueError(f"count: {count} rows cannot have the second moments of {dim} features and a rest; use more")
    white = np.sqrt(count) * np.linalg.qr(np.random.default_rng(seed).normal(size=(count, dim + 1)))[0]
    eigs, basis = np.linalg.eigh(covariance)
    return white[:, :dim] @ (basis * np.sqrt(np.maximum(eigs, 0))).T, white[:, dim]
