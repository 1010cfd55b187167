"""Positive stable laws: reference numbers from series at 300 digits, closed forms, transforms, bad input."""

import numpy as np
import pytest
from scipy import special

from jaxprune.theory.numerics.gamma import log_ratio
from jaxprune.theory.stable import positive as theory
from tests import grades as judge

# (a, x, P(A > x), E[A; A <= x]) from mpmath: the series in x^-a summed with 300 digits.
REFERENCE = [
    (0.95, 1.0, 0.32120551031261169, 0.59211983036847104),
    (0.95, 1.05, 0.26007755004971346, 0.65468465145897171),
    (0.99, 1.1, 0.077743641168526904, 0.89878686449276312),
    (0.99, 3.0, 0.005068952180734785, 0.9974317543856996),
    (0.999, 1.5, 0.001995292469572012, 0.99689055402096442),
    (1 - 1e-6, 3.0, 5.0000070278518448e-7, 0.9999997703600864),
]


@pytest.mark.parametrize("a, x, tail, mean", REFERENCE)
def test_series(a, x, tail, mean):
    judge.exact(theory.sf(x, a), tail, 1e-12)
    judge.exact(theory.truncated_mean(x, a), mean, 1e-12)


def test_reference_numbers():
    t = [0.7, 2.0, 20.0]
    judge.exact(theory.sf(t, 0.75), [0.6345867473725945, 0.22192229065759964, 0.03079104188268054], 1e-13)
    judge.exact(theory.truncated_mean(t, 0.75), [0.18882289520985962, 0.6549924995171864, 1.6534142073940667], 1e-13)


def test_one_half_is_levys_law():
    x = np.geomspace(2e-3, 1e200, 80)
    root = 1 / (2 * np.sqrt(x))
    judge.exact(theory.sf(x, 0.5) / special.erf(root), np.ones(80), 1e-12)
    low = x[x < 10]
    judge.exact(theory.cdf(low, 0.5) / special.erfc(1 / (2 * np.sqrt(low))), np.ones(len(low)), 2e-12)
    mean = np.sqrt(x / np.pi) * np.exp(-1 / (4 * x)) - 0.5 * special.erfc(root)
    kept = x > 0.1
    judge.exact(theory.truncated_mean(x[kept], 0.5) / mean[kept], np.ones(kept.sum()), 1e-12)


@pytest.mark.parametrize("a", [0.05, 0.3, 0.6, 0.9, 0.95])
@pytest.mark.parametrize("rate", [0.01, 1.0, 30.0])
def test_laplace_transform(a, rate):
    step = 0.05 * min(1.0, 3 * (1 - a))
    log_x = np.arange(-32, 4, step) - np.log(rate)
    x = np.exp(np.maximum(log_x, -700))
    total = step * np.sum(rate * x * np.exp(-rate * x) * theory.sf(x, a))
    judge.exact(total, -np.expm1(-(rate**a)), 1e-10)


@pytest.mark.parametrize("a", [0.1, 0.5, 0.8, 0.97, 0.999])
def test_truncated_mean_is_by_parts(a):
    t = np.array([0.3, 0.99, 1.01, 4.0, 1e5])
    h = 1e-3 * (1 - a)
    points = np.array([-2, -1, 1, 2])[:, None] * h
    weights = np.array([1, -8, 8, -1]) / (12 * h)
    mean, lost = (weights @ f(t * np.exp(points), a) for f in (theory.truncated_mean, theory.cdf))
    visible = lost > 1e-4
    judge.exact(mean[visible] / (t * lost)[visible], np.ones(visible.sum()), 1e-4)
    assert np.all(theory.truncated_mean(t, a) <= t * theory.cdf(t, a) * (1 + 1e-12))


@pytest.mark.parametrize("a", [0.02, 0.3, 0.5, 0.75, 0.95, 0.999, 1 - 1e-7])
def test_quantile_inverts(a):
    p = np.concatenate([10.0 ** -np.arange(1, 300, 13.0), np.linspace(0.01, 0.99, 25), 1 - 10.0 ** -np.arange(2, 15)])
    x = theory.quantile(p, a)
    inside = (x < 1e300) & (x > 1e-300)
    # A relative error of 2e-16 in x is one of 2e-16 times the slope of log P, up to a/(1 - a) times its logarithm, in P.
    tolerance = 2e-12 + 1e-13 * a / (1 - a)
    upper, lower = inside & (p < 0.5), inside & (p >= 0.5)
    judge.exact(theory.sf(x[upper], a) / p[upper], np.ones(upper.sum()), tolerance)
    judge.exact(theory.cdf(x[lower], a) / (1 - p[lower]), np.ones(lower.sum()), tolerance)
    assert np.all(theory.quantile([0.0, 1.0], a) == [np.inf, 0.0])


@pytest.mark.parametrize("a", [0.2, 0.5, 0.9, 0.9999])
def test_tail_and_moments(a):
    x = 1e14 ** (1 / a)
    judge.exact(theory.sf(x, a) * 1e14, theory.tail_constant(a), 1e-11)
    judge.exact(theory.moment(-1.0, a), special.gamma(1 + 1 / a), 1e-12)
    judge.exact(theory.moment([0.0, 0.5 * a], a), [1.0, np.sqrt(np.pi) / special.gamma(1 - 0.5 * a)], 1e-12)
    assert theory.moment(a, a) == theory.moment(2.0, a) == theory.truncated_mean(np.inf, a) == np.inf


def test_point_mass():
    assert np.array_equal(theory.sf([0.5, 1.5], 1.0), [1.0, 0.0])
    assert np.array_equal(theory.truncated_mean([0.5, 1.0, np.inf], 1.0), [0.0, 1.0, 1.0])
    assert theory.quantile(0.3, 1.0) == theory.moment(5.0, 1.0) == 1 and theory.tail_constant(1.0) == 0
    assert theory.sf(-1.0, 0.5) == theory.sf(0.0, 0.5) == 1 and theory.sf(np.inf, 0.5) == 0


def test_ratio_of_gamma_functions():
    judge.exact(np.exp(log_ratio(5e5, 1.0)), 5e5, 1e-14)
    judge.exact(np.exp(log_ratio(np.array([0.5, 30.0]), 2.0)), [0.75, 930.0], 1e-13)
    found = np.exp(log_ratio(np.array([40.0 + 30.0j, 3.0 + 1.0j, -30.2 + 8.0j]), 1.0))
    judge.exact(np.abs(found / np.array([40.0 + 30.0j, 3.0 + 1.0j, -30.2 + 8.0j])), np.ones(3), 1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.sf(1.0, 1.1),
        lambda: theory.sf(1.0, 0.0),
        lambda: theory.sf(np.nan, 0.5),
        lambda: theory.quantile(1.5, 0.5),
        lambda: theory.moment(np.nan, 0.5),
        lambda: theory.truncated_mean(1.0, -0.5),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()


@pytest.mark.parametrize("a", [0.999999, 1 - 1e-9])
def test_below_a_law_that_is_nearly_a_point_there_is_nothing(a):
    with np.errstate(all="raise", under="ignore"):
        assert theory.sf([1e-300, 1e-3, 0.5], a).tolist() == [1, 1, 1]
        assert (
            theory.cdf([1e-300, 1e-3, 0.5], a).tolist() == theory.truncated_mean([1e-300, 1e-3, 0.5], a).tolist() == [0, 0, 0]
        )
