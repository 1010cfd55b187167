"""Truncated Gaussian moments against quadrature, and the threshold against its definition."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory.least_squares import truncated
from tests import grades as judge


@pytest.mark.parametrize("centre", [-3.0, -0.2, 0.0, 1.5, 8.0])
@pytest.mark.parametrize("cut", [0.0, 0.3, 2.0, 9.0])
def test_moments_are_integrals(centre, cut):
    found = truncated.moments(np.array(centre), np.array(cut))

    def integral(f, inside=False):
        def over(a, b):
            return (
                integrate.quad(lambda h: f(h) * stats.norm.pdf(h), a, b, epsabs=0, epsrel=1e-12, limit=200)[0] if b > a else 0.0
            )

        low, high = np.clip([-cut - centre, cut - centre], -38, 38)
        return over(low, high) if inside else over(-38, low) + over(high, 38)

    for name, f in dict(share=lambda h: 1.0, first=lambda h: h, second=lambda h: h * h, excess=lambda h: h * h - 1).items():
        assert getattr(found, name) == pytest.approx(integral(f), rel=1e-8, abs=1e-15), name
    assert found.lost == pytest.approx(integral(lambda h: 1.0, inside=True), rel=1e-8, abs=1e-300)


def test_infinite_cut_keeps_nothing():
    found = truncated.moments(np.array([0.0, 5.0]), np.array([np.inf, np.inf]))
    judge.exact(np.stack([found.share, found.first, found.second, found.lost - 1]), np.zeros((4, 2)))


def test_lost_probability_does_not_cancel():
    tiny = truncated.moments(np.array(30.0), np.array(1.0)).lost
    assert 0 < tiny == pytest.approx(stats.norm.sf(29) - stats.norm.sf(31), rel=1e-10)


def test_threshold_keeps_the_count():
    rng = np.random.default_rng(1)
    for spread in (0.1, 2.0, 8.0):
        sd = np.exp(spread * rng.normal(size=50))
        mean, weight, kept = sd * rng.normal(size=50), np.exp(rng.normal(size=50)), np.arange(1, 50)
        t = truncated.threshold(mean, sd, weight, kept)
        counts = truncated.moments(mean / sd, t[:, None] / (weight * sd)).share.sum(axis=1)
        judge.exact(counts, kept, tolerance=1e-11)
        single = truncated.threshold(mean, sd, weight, kept[7:8])
        judge.exact(single, t[7:8], tolerance=1e-12)
