"""Random features of data, and Gaussian rows of the same second moments."""

import numpy as np
import pytest

from jaxprune import datasets

RNG = np.random.default_rng(0)
INPUTS = RNG.standard_normal((200, 6)) + 3.0


def test_features_are_centred_and_active_on_half_of_the_samples():
    features = datasets.relu_features(INPUTS, 40, seed=1)
    assert features.shape == (200, 40) and np.max(np.abs(features.mean(0))) < 1e-12
    active = np.mean(features > features.min(axis=0) + 1e-12, axis=0)
    assert np.all((active > 0.3) & (active < 0.7))
    np.testing.assert_array_equal(features, datasets.relu_features(INPUTS, 40, seed=1))
    assert not np.array_equal(features, datasets.relu_features(INPUTS, 40, seed=2))


def test_gaussian_rows_have_the_second_moments_to_round_off():
    features = datasets.relu_features(INPUTS, 20, seed=1)
    covariance = features.T @ features / 200
    rows, rest = datasets.gaussian_rows(covariance, 200, seed=3)
    np.testing.assert_allclose(rows.T @ rows / 200, covariance, atol=1e-12)
    assert rest @ rest / 200 == pytest.approx(1) and np.max(np.abs(rest @ rows)) < 1e-9
    with pytest.raises(ValueError, match="count: 20 rows"):
        datasets.gaussian_rows(covariance, 20, seed=3)
