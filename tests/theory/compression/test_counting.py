"""The door to the compression theory, and the bound that counts."""

import numpy as np
import pytest

from jaxprune.theory.compression import counting as compressibility
from tests import grades as judge


def test_every_name_is_there():
    for name in compressibility.__all__:
        assert "What it predicts" in getattr(compressibility, name).__doc__


def test_counting_bound():
    entropy = -0.1 * np.log(0.1) - 0.9 * np.log(0.9)
    expected = np.sqrt((1000 * entropy + 100 * 64 * np.log(16) + np.log(20)) / 1e6)
    judge.exact(compressibility.counting_bound(1000, 64, 0.1, 16, 500_000), expected)
    dense = compressibility.counting_bound(1000, 64, 1.0, 16, 500_000)
    judge.exact(dense**2 * 1e6, 64000 * np.log(16) + np.log(20))
    assert compressibility.counting_bound(1000, 64, [0.1, 0.2], 16, np.array([[10], [20]])).shape == (2, 2)


@pytest.mark.parametrize("arguments, name", [
    ((0, 64, 0.1, 16, 100), "n"), ((10, 64, 0.05, 16, 100), "kappa"), ((10, 0, 0.5, 16, 100), "dim"), ((10, 64, 0.5, 0, 100), "levels"),
    ((10, 64, 0.5, 16, 0), "samples"), ((10, 64, 0.5, 16, 10, 1.0), "confidence"), ((10, 64, 1.5, 16, 10), "kappa"),
])  # fmt: skip
def test_bad_input(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        compressibility.counting_bound(*arguments)
