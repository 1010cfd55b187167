"""The bound that counts compressed networks, as a certificate."""

import numpy as np
import pytest

from jaxprune.judge import count_failures
from jaxprune.theory.compression import counting
from tests import grades as judge


def test_the_certificate_holds_for_every_network_at_once():
    """All networks of two ternary inputs and three neurons of which one stays: the worst of 27 gaps over 1,000 samples; a
    bound a tenth as large is exposed."""
    rng = np.random.default_rng(0)
    bound = counting.counting_bound(3, 2, 1 / 3, 3, 50)
    losses = rng.uniform(0.2, 0.8, 27)  # of each network, on average
    gaps = [np.max(losses - (rng.random((50, 27)) < losses).mean(0)) for _ in range(1000)]
    assert count_failures(bound, gaps).holds and bound.failure == pytest.approx(0.05)
    assert not count_failures(bound.spoiled(0.3), gaps).holds


def test_counting_bound():
    entropy = -0.1 * np.log(0.1) - 0.9 * np.log(0.9)
    expected = np.sqrt((1000 * entropy + 100 * 64 * np.log(16) + np.log(20)) / 1e6)
    judge.exact(counting.counting_bound(1000, 64, 0.1, 16, 500_000).bound, expected)
    dense = counting.counting_bound(1000, 64, 1.0, 16, 500_000).bound
    judge.exact(dense**2 * 1e6, 64000 * np.log(16) + np.log(20))
    assert counting.counting_bound(1000, 64, [0.1, 0.2], 16, np.array([[10], [20]])).bound.shape == (2, 2)


@pytest.mark.parametrize("arguments, name", [
    ((0, 64, 0.1, 16, 100), "n"), ((10, 64, 0.05, 16, 100), "kappa"), ((10, 0, 0.5, 16, 100), "dim"), ((10, 64, 0.5, 0, 100), "levels"),
    ((10, 64, 0.5, 16, 0), "samples"), ((10, 64, 0.5, 16, 10, 1.0), "confidence"), ((10, 64, 1.5, 16, 10), "kappa"),
])  # fmt: skip
def test_bad_input(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        counting.counting_bound(*arguments)
