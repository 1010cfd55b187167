"""Occam bounds, against 700 digits, against counting, and in the order that proofs give them."""

import numpy as np
import pytest
from scipy import optimize, stats

from jaxprune.theory import bounds
from jaxprune.theory.bounds import occam
from tests import grades as judge

INVERSES = [  # q, c, and p to 700 digits by bisection
    (0.1, 0.05, 0.22007860110692462), (1e-300, 1e-290, 1.0000000024025851e-290), (1e-9, 1e-3, 0.0009995149678417013),
    (0.3, 1e-14, 0.30000006480740965), (1e-5, 30.0, 0.9999999999999064), (0.97, 1e-9, 0.9700076282657915),
    (0.5, 200.0, 1.0), (1e-200, 700.0, 1.0), (0.0, 1e-20, 1e-20), (0.0, 2.0, -np.expm1(-2.0)), (1.0, 0.3, 1.0), (0.4, 0.0, 0.4),
]  # fmt: skip


@pytest.mark.parametrize("q, c, expected", INVERSES)
def test_inverse_of_the_divergence(q, c, expected):
    judge.exact(bounds.kl_inverse(q, c), expected, 1e-14)


def test_the_inverse_inverts_and_grows():
    rng = np.random.default_rng(0)
    q, c = rng.random(2000), 10 ** rng.uniform(-6, 0.5, 2000)
    p = bounds.kl_inverse(q, c)
    inside = p < 1 - 1e-6
    divergence = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    np.testing.assert_allclose(divergence[inside], c[inside], rtol=1e-7, atol=1e-15)
    assert not np.allclose(divergence[inside], 1.01 * c[inside], rtol=1e-3)
    assert np.all(bounds.kl_inverse(q, 1.1 * c) >= p) and np.all(p >= q)
    assert np.all(bounds.kl_inverse(0.3, np.logspace(-300, 3, 500)) >= 0.3)
    assert bounds.kl_inverse(q[:, None], c[None, :5]).shape == (2000, 5) and isinstance(bounds.kl_inverse(0.1, 0.1), float)
    assert bounds.kl_inverse([5e-324, 1 - 1e-16], 1.0)[0] == pytest.approx(1 - np.exp(-1), rel=1e-12)


def test_gaps_by_hand():
    judge.exact(bounds.occam_gap(1000.0, 50_000, 0.05), np.sqrt((1000 + np.log(20)) / 1e5))
    judge.exact(bounds.compressed_size_gap(5000, 60_000, 0.05, strict=False), 0.17043488545130936)
    judge.exact(bounds.compressed_size_gap(5000, 60_000, 0.05), 0.17044705242778924, 1e-12, spoil=1.00001)
    judge.exact(bounds.occam_kl(0.0, 100.0, 1000, 0.05), 1 - np.exp(-(100 + np.log(20)) / 1000))
    judge.exact(bounds.occam_gap(1.0, 10, 1e-300), np.sqrt((1 + 300 * np.log(10)) / 20))


def test_chernoff_is_never_above_hoeffding():
    rng = np.random.default_rng(1)
    risk, nats, m = rng.random(3000), 10 ** rng.uniform(-3, 5, 3000), rng.integers(1, 10**6, 3000)
    assert np.all(bounds.occam_kl(risk, nats, m, 0.05) <= risk + bounds.occam_gap(nats, m, 0.05) + 1e-15)


def test_chernoff_is_above_the_exact_tail():
    """The binomial's own upper end, at the failure of one code, is what no bound is below."""
    for errors, m, nats in ((3, 50, 2.0), (0, 20, 5.0), (40, 100, 10.0)):
        level = np.exp(-nats) * 0.05
        exact = optimize.brentq(lambda p, e=errors, n=m, a=level: stats.binom.cdf(e, n, p) - a, errors / m + 1e-9, 1 - 1e-9)
        bound = bounds.occam_kl(errors / m, nats, m, 0.05)
        assert exact <= bound and bound < exact + 0.1
        assert bounds.kl_inverse(errors / m, 0.5 * (nats + np.log(20)) / m) < exact  # half the budget is not enough


def test_samples_are_the_least_that_are_enough():
    rng = np.random.default_rng(2)
    for _ in range(500):
        nats, gap, delta = 10 ** rng.uniform(-2, 8), rng.uniform(1e-4, 1), 10 ** rng.uniform(-100, -1)
        m = bounds.samples_for_gap(nats, gap, delta)
        assert m == np.floor(m) and bounds.occam_gap(nats, m, delta) <= gap
        assert m == 1 or bounds.occam_gap(nats, m - 1, delta) > gap
    assert bounds.samples_for_gap(8.0, bounds.occam_gap(8.0, 12345, 0.1), 0.1) == 12345


def test_subsamples_cost_what_two_inequalities_cost():
    r = 100 / 1100
    expected = np.sqrt((50 - np.log(r * 0.05)) / 2000) + np.sqrt(-np.log((1 - r) * 0.05) / 200)
    judge.exact(occam.subsampled_gap(50.0, 1000, 100, 0.05, 2.0), 2 * expected)
    assert occam.subsampled_gap(50.0, 1000, 1000, 0.05) > bounds.occam_gap(50.0, 1000, 0.05)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: bounds.kl_inverse(-0.1, 0.1), "q"), (lambda: bounds.kl_inverse(1.1, 0.1), "q"),
        (lambda: bounds.kl_inverse(0.1, -0.1), "c"), (lambda: bounds.kl_inverse(0.1, np.nan), "c"),
        (lambda: bounds.kl_inverse(0.1, np.inf), "c"), (lambda: bounds.kl_inverse("0.1", 1), "q"),
        (lambda: bounds.occam_gap(0.0, 10, 0.1), "nats"), (lambda: bounds.occam_gap(-1.0, 10, 0.1), "nats"),
        (lambda: bounds.occam_gap(1.0, 0, 0.1), "m"), (lambda: bounds.occam_gap(1.0, 1.5, 0.1), "m"),
        (lambda: bounds.occam_gap(1.0, 10, 0.0), "delta"), (lambda: bounds.occam_gap(1.0, 10, 1.0), "delta"),
        (lambda: bounds.occam_kl(1.2, 1.0, 10, 0.1), "risk"), (lambda: bounds.compressed_size_gap(0, 10, 0.1), "bits"),
        (lambda: bounds.compressed_size_gap(8.5, 10, 0.1), "bits"), (lambda: bounds.compressed_size_gap(8, 10, 0.1, "no"), "strict"),
        (lambda: bounds.samples_for_gap(1.0, 0.0, 0.1), "gap"), (lambda: bounds.samples_for_gap(1.0, 1e-300, 0.1), "gap"),
        (lambda: occam.subsampled_gap(1.0, 10, 11, 0.1), "evaluated"), (lambda: occam.subsampled_gap(1.0, 10, 5, 0.1, 0.0), "loss_range"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
