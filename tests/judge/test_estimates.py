"""Findings: statistics of seeds whose errors are the spread of what is found, and exponents."""

import numpy as np
import pytest

from jaxprune.contracts import Finding
from jaxprune.judge import estimates
from tests import grades as judge

RNG = np.random.default_rng(0)


@pytest.mark.slow
def test_the_error_is_the_spread_of_what_is_found():
    """Ratios of means and medians of 40 seeds: 400 times, against the standard deviation of the values found."""
    for statistic, paired in ((lambda a, b: a.mean() / b.mean(), True), (lambda a, b: np.median(a) - np.median(b), False)):
        found = []
        for _ in range(400):
            a = RNG.lognormal(0.0, 0.5, 40)
            b = a * RNG.lognormal(0.0, 0.2, 40) if paired else RNG.lognormal(0.0, 0.5, 30)
            found.append(estimates.estimate(statistic, a, b, paired=paired, resamples=100))
        spread = np.std([f.value for f in found], ddof=1)
        claimed = np.mean([f.error for f in found])
        assert claimed == pytest.approx(spread, rel=0.15)
        assert claimed != pytest.approx(1.3 * spread, rel=0.15)


@pytest.mark.slow
def test_an_exponent_is_the_slope_with_its_error():
    sizes = np.array([10, 30, 100, 300])
    found = [estimates.exponent(sizes, *(s**-0.7 * RNG.lognormal(0, 0.3, 50) for s in sizes)) for _ in range(60)]
    values = np.array([f.value for f in found])
    judge.statistical(values[:, None], [-0.7])
    assert np.mean([f.error for f in found]) == pytest.approx(np.std(values, ddof=1), rel=0.35)


def test_a_shared_factor_of_paired_seeds_cancels():
    factor = RNG.lognormal(0, 2.0, 30)
    paired = estimates.exponent([1, 2, 4, 8], *(factor * s**0.5 for s in (1, 2, 4, 8)), paired=True)
    assert paired.value == pytest.approx(0.5) and paired.error < 1e-12
    assert estimates.exponent([1, 2, 4, 8], *(factor * s**0.5 for s in (1, 2, 4, 8))).error > 0.05


@pytest.mark.parametrize("law, low, high", [(lambda s: s + s**2 / 10, 1.14, 1.8), (lambda s: np.log(1 + s), 0.26, 0.64)])
def test_an_exponent_of_what_is_no_power_law_has_the_error_of_its_change(law, low, high):
    """Of many seeds: the slopes at sizes 1.6 and 40 lie within the error, and those of a power law do not widen it."""
    sizes = np.array([1, 4, 16, 64])
    found = estimates.exponent(sizes, *(law(s) * RNG.lognormal(0, 0.02, 200) for s in sizes))
    assert found.value - found.error < low and high < found.value + found.error
    power = estimates.exponent(sizes, *(s**1.5 * RNG.lognormal(0, 0.02, 200) for s in sizes))
    assert power.error == pytest.approx(0.02 / 200**0.5 / np.log(sizes).std() / 2, rel=0.25)


def test_the_same_samples_state_the_same_twice():
    values = RNG.standard_normal((20, 3))
    assert estimates.estimate(np.mean, values) == estimates.estimate(np.mean, values)


def test_seeds_that_failed_are_left_out_together():
    a, b = RNG.standard_normal((2, 20))
    a[3] = np.nan
    found = estimates.estimate(lambda x, y: np.mean(x - y), a, b)
    assert found.value == pytest.approx(np.mean(np.delete(a - b, 3)))
    assert estimates.mean(a).value == pytest.approx(np.nanmean(a))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: estimates.estimate(np.mean, np.ones(7)), "7 seeds give no standard error"),
        (lambda: estimates.estimate(lambda a, b: 0.0, np.ones(9), np.ones(10)), "seeds are not paired"),
        (lambda: estimates.exponent([1, 2, 3], *np.ones((3, 20))), "needs 4 or more"),
        (lambda: estimates.exponent([1, 2, 3, 4], *-np.ones((4, 20))), "not positive"),
        (lambda: estimates.exponent([1, 2, 2, 4], *np.ones((4, 20))), "not positive and different"),
        (lambda: estimates.exponent([0, 1, 2, 4], *np.ones((4, 20))), "not positive and different"),
        (lambda: estimates.mean([1.0, np.nan]), "1 finite numbers"),
        (lambda: Finding(float("nan")), "value: nan of a finding"),
        (lambda: Finding(1.0, -1.0), "error: -1.0 of a finding"),
    ],
)
def test_what_cannot_be_stated_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_finding_is_written_with_two_digits_of_its_error():
    found = [str(Finding(*pair)) for pair in ((0.09412, 0.00611), (12345.6, 234.0), (3.0, 0.0), (1.0, 0.0999), (2.5, 1e-9))]
    assert found == ["0.0941 ± 0.0061", "12346 ± 234", "3", "1.000 ± 0.100", "2.5000000000 ± 0.0000000010"]
