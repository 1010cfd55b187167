"""Shares of the largest of a heavy-tailed sample."""

import numpy as np
import pytest

from jaxprune.theory import compression as theory
from tests import grades as judge


def test_reference_values():
    expected = [0.3734924012328245, 0.2304831496200752, 0.10881542319984179, 0.030392683292288322]
    judge.exact(theory.expected_tail_share(1.0, 2.0, [1, 2, 5, 20]), expected, tolerance=1e-12)


@pytest.mark.parametrize("a, count, spoil", [(0.1, 40000, 1.3), (0.3, 10000, 1.3), (0.5, 4000, 1.2), (0.8, 4000, 1.1)])
def test_shares_agree_with_poisson_points(a, count, spoil):
    """Energies Gamma_i^{-1/a} at the points of a Poisson process, with the mean of those beyond the last."""
    rng, points = np.random.default_rng(5), 600 if a > 0.5 else 100
    times = np.cumsum(rng.exponential(size=(count, points)), axis=1)
    energies = (times / times[:, :1]) ** (-1 / a)
    rest = energies[:, -1] * times[:, -1] * a / (1 - a)
    total = energies.sum(axis=1) + rest
    tails = 1 - np.cumsum(energies, axis=1)[:, [0, 2]] / total[:, None]
    judge.statistical(tails, theory.expected_tail_share(a, 1.0, [1, 3]), spoil=spoil)
    squares = np.sum((energies / total[:, None]) ** 2, axis=1)
    judge.statistical(squares, theory.participation(a, 1.0), spoil=spoil)


def test_many_kept():
    """Far out the shares fall like those of a power law: E sum_{i>k} V_i ~ c k^{1-1/a}."""
    for a, tolerance in ((0.05, 2e-3), (0.4, 1e-3), (0.8, 1e-3), (0.95, 1e-2)):
        far = theory.expected_tail_share(a, 1.0, [50000, 100000])
        judge.exact(np.log2(far[1] / far[0]), 1 - 1 / a, tolerance=tolerance, spoil=1.1)


def test_shape_and_ends():
    assert theory.expected_tail_share(1.2, 2.0, 0) == 1.0
    shares = theory.expected_tail_share(np.array([[0.02], [1.0], [1.9998]]), 2.0, [0, 1, 2, 50, 10**4])
    assert shares.shape == (3, 5) and np.all(np.diff(shares, axis=1) < 0) and np.all(shares > 0)
    assert shares[0, 1] < 0.01 and shares[-1, -1] > 0.99


@pytest.mark.parametrize("alpha", [0.3, 1.2, 1.5])
def test_least_count(alpha):
    kept = theory.kept_for_share(alpha, 2.0, 0.1)
    around = theory.expected_tail_share(alpha, 2.0, [int(kept), int(kept) - 1])
    assert around[0] <= 0.1 < around[1]


def test_huge_counts():
    assert theory.kept_for_share(1.9999, 2.0, 0.1) == np.inf
    assert theory.kept_for_share([1.2, 1.5], 2.0, 0.1).tolist() == [14.0, 264.0]


@pytest.mark.parametrize("function, arguments, name", [
    (theory.expected_tail_share, (2.0, 2.0, 1), "order"), (theory.expected_tail_share, (0.0, 2.0, 1), "alpha"),
    (theory.expected_tail_share, (1.0, 2.0, -1), "kept"), (theory.expected_tail_share, (1.0, 2.0, 1.5), "kept"),
    (theory.participation, (3.0, 2.0), "order"), (theory.participation, (1.0, -2.0), "order"),
    (theory.kept_for_share, (1.0, 2.0, 1.0), "share"), (theory.kept_for_share, (1.0, 2.0, 0.0), "share"),
])  # fmt: skip
def test_bad_input(function, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        function(*arguments)


def test_no_tail_index_gives_no_share():
    assert np.shape(theory.expected_tail_share([], 2.0, 1)) == (0,)
