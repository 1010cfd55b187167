"""Scales of Ornstein-Uhlenbeck processes and their Euler schemes: reference numbers, direct sums, limits, bad input."""

import decimal
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate

from jaxprune.theory.sde import ornstein_uhlenbeck as theory
from tests import grades as judge

CASE = dict(alpha=1.5, rate=1.0, scale=0.7, step_size=0.1)


def test_reference_scales():
    found = [
        theory.transition_scale(**CASE),
        theory.stationary_scale(1.5, 1.0, 0.7),
        theory.euler_scale(**CASE, steps=20),
        theory.euler_stationary_scale(**CASE),
    ]
    judge.exact(found, [0.14354498770449556, 0.5341999798582215, 0.5279849386034884, 0.5434539742444647], 1e-13)
    judge.exact(
        [theory.strong_error_scale(**CASE, steps=20), theory.strong_error_leading(**CASE, horizon=2.0)],
        [0.02120194839176839, 0.020489759786156907],
        1e-13,
    )
    judge.exact(theory.two_grid_scale(**CASE, steps=20, ratio=8), 0.01975237653027289, 1e-13)
    row = [
        theory.stationary_scale(1.6, 1.0, 0.7),
        theory.transition_scale(1.6, 1.0, 0.7, 1.5),
        theory.euler_stationary_scale(1.6, 1.0, 0.7, 0.2),
    ]
    judge.exact(row, [0.5218228000597617, 0.4917107306191559, 0.5430207982251943], 1e-13)


def kernel_integral(alpha, x, m):
    """Integral over a step of |exp(-x (m + v)) - (1 - x)^m|^alpha, split where it vanishes."""
    power = (1 - x) ** m
    zero = -np.log(power) / x - m if power > 0 else -1.0
    cuts = [0.0, zero, 1.0] if 0 < zero < 1 else [0.0, 1.0]

    def kernel(v):
        return abs(np.exp(-x * (m + v)) - power) ** alpha

    return sum(integrate.quad(kernel, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(cuts))


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.7, 2.0])
@pytest.mark.parametrize("x, steps", [(0.1, 30), (0.9, 8), (1.0, 5), (1.2784645427610738, 10), (1.6, 20), (1.99, 15), (3.0, 5)])
def test_strong_error_is_its_integral(alpha, x, steps):
    rate, h = 2.0, x / 2.0
    total = h * sum(kernel_integral(alpha, x, m) for m in range(steps))
    judge.exact(theory.strong_error_scale(alpha, rate, 0.7, h, steps) ** alpha, 0.7**alpha * total, 1e-9)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.7, 2.0])
@pytest.mark.parametrize("x", [1e-3, 0.5, 1.0, 1.5, 2.5])
@pytest.mark.parametrize("ratio", [2, 3])
def test_two_grids_are_their_sum(alpha, x, ratio):
    m, j = np.arange(12)[:, None], np.arange(ratio)
    total = x / ratio * np.sum(np.abs((1 - x / ratio) ** (m * ratio + j) - (1 - x) ** m) ** alpha)
    judge.exact(theory.two_grid_scale(alpha, 1.0, 0.7, x, 12, ratio) ** alpha, 0.7**alpha * total, 1e-9)
    judge.exact(
        theory.euler_scale(alpha, 1.0, 0.7, x, 12) ** alpha, 0.7**alpha * x * np.sum(np.abs(1 - x) ** (alpha * m)), 1e-12
    )


@pytest.mark.parametrize("alpha", [0.5, 1.2, 2.0])
def test_strong_error_is_of_order_one(alpha):
    steps = np.array([100, 400, 1600])
    exact = theory.strong_error_scale(alpha, 1.0, 1.0, 2.0 / steps, steps)
    leading = theory.strong_error_leading(alpha, 1.0, 1.0, 2.0 / steps, 2.0)
    gaps = exact / leading - 1
    assert np.all(np.abs(gaps) < 5 / steps)
    judge.exact(gaps[1:] * 4 / gaps[:-1], np.ones(2), 2e-2, spoil=1.1)
    two = theory.two_grid_scale(alpha, 1.0, 1.0, 2.0 / 1600, 1600, 512)
    judge.exact(two, exact[-1], 5e-3)


def test_many_steps():
    # Without noise in the sum: a million steps of the leading order, and of a stationary error.
    tiny = theory.strong_error_scale(1.5, 1.0, 1.0, 1e-5, 200_000)
    judge.exact(tiny, theory.strong_error_leading(1.5, 1.0, 1.0, 1e-5, 2.0), 1e-5)
    long = theory.strong_error_scale(1.5, 1.0, 1.0, 0.1, np.array([500, 1_000_000]))
    judge.exact(long[1], long[0], 1e-14)
    oscillating = theory.strong_error_scale(1.5, 1.0, 1.0, 1.999, 1_000_000)
    judge.exact(oscillating, theory.euler_stationary_scale(1.5, 1.0, 1.0, 1.999), 1e-2, spoil=1.1)


def test_chain_of_transitions_and_limits():
    alpha, rate, h = np.array([0.4, 1.0, 1.5, 2.0]), 0.8, 0.3
    one, two = (theory.transition_scale(alpha, rate, 1.3, k * h) for k in (1, 2))
    judge.exact((np.exp(-rate * h) * one) ** alpha + one**alpha, two**alpha, 1e-13)
    judge.exact(theory.transition_scale(alpha, rate, 1.3, 1e4), theory.stationary_scale(alpha, rate, 1.3), 1e-13)
    judge.exact(theory.euler_scale(alpha, rate, 1.3, h, 10**6), theory.euler_stationary_scale(alpha, rate, 1.3, h), 1e-13)
    motion = 1.3 * 2.0 ** (1 / alpha)
    judge.exact(theory.transition_scale(alpha, 0.0, 1.3, 2.0), motion, 1e-13)
    judge.exact(theory.transition_scale(alpha, 1e-12, 1.3, 2.0), motion, 1e-10)
    judge.exact(theory.euler_scale(alpha, 0.0, 1.3, 0.5, 4), motion, 1e-13)
    zeros = [
        theory.strong_error_scale(alpha, 0.0, 1.3, 0.5, 4),
        theory.strong_error_leading(alpha, 0.0, 1.3, 0.5, 4),
        theory.two_grid_scale(alpha, 0.0, 1.3, 0.5, 4, 2),
        theory.two_grid_scale(alpha, 1.0, 1.3, 0.5, 4, 1),
        theory.euler_scale(alpha, 1.0, 0.0, 0.5, 4),
    ]
    judge.exact(zeros, np.zeros((5, 4)))


def test_relative_error_of_the_stationary_scale():
    h, alpha = 1e-4, 1.6
    gap = theory.euler_stationary_scale(alpha, 2.0, 1.0, h) / theory.stationary_scale(alpha, 2.0, 1.0) - 1
    judge.exact(gap, (alpha - 1) * 2.0 * h / (2 * alpha), 1e-3)


def test_brownian_part():
    u = np.array([0.0, 0.3, 2.0])
    judge.exact(theory.stationary_characteristic(u, 2.0, 1.5, 0.7, 0.0), np.exp(-(u**2) * 0.49 / 3.0), 1e-13)
    judge.exact(theory.stationary_characteristic(u, 1.3, 1.5, 0.0, 0.4), np.exp(-(u**2) * 0.16 / 3.0), 1e-13)
    # A Gaussian of variance v is SaS(2) of scale sqrt(v/2).
    judge.exact(
        2 * theory.euler_stationary_scale(2.0, 1.5, 0.4, 0.3) ** 2, theory.euler_brownian_variance(1.5, 0.4, 0.3), 1e-13
    )


def test_scale_from_logarithms():
    judge.exact(theory.scale_from_log(theory.mean_log_abs([0.2, 3.0], [0.5, 1.7]), [0.5, 1.7]), [0.2, 3.0], 1e-13)
    judge.exact(theory.log_standard_error(2.0, 100), np.pi / np.sqrt(8) / 10, 1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.euler_stationary_scale(1.5, 1.0, 1.0, 2.0),
        lambda: theory.euler_stationary_scale(1.5, 0.0, 1.0, 0.1),
        lambda: theory.euler_brownian_variance(1.0, 1.0, 2.5),
        lambda: theory.stationary_scale(1.5, 0.0, 1.0),
        lambda: theory.two_grid_scale(1.5, 1.0, 1.0, 0.1, 5, 2.5),
        lambda: theory.two_grid_scale(1.5, 1.0, 1.0, 0.1, 5, 0),
        lambda: theory.transition_scale(2.1, 1.0, 1.0, 0.1),
        lambda: theory.transition_scale(np.nan, 1.0, 1.0, 0.1),
        lambda: theory.transition_scale(1.5, np.inf, 1.0, 0.1),
        lambda: theory.transition_scale(1.5, 1.0, -1.0, 0.1),
        lambda: theory.strong_error_scale(1.5, -1.0, 1.0, 0.1, 5),
        lambda: theory.strong_error_leading(1.5, -1.0, 1.0, 0.1, 5.0),
        lambda: theory.transition_scale(1.5, 1.0, np.inf, 0.1),
        lambda: theory.transition_scale(1.5, 1.0, 1.0, 0.0),
        lambda: theory.euler_scale(1.5, 1.0, 1.0, 0.1, 0),
        lambda: theory.euler_scale(1.5, 1.0, 1.0, 0.1, 3.5),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()


def test_two_grids_that_both_overflow_have_an_infinite_gap():
    assert theory.two_grid_scale(1.5, 100.0, 0.7, 1.0, 10000, 2) == np.inf


@pytest.mark.parametrize(("alpha", "x"), [(1.5, 49 * (1 / 49)), (0.3, 0.999), (0.05, 0.9)])
def test_two_grids_where_the_coarse_one_forgets_at_once(alpha, x):
    """rate h = 49 (1/49) is 1 but for round-off: there the quotient of the grids overflows, their difference does not."""
    steps, ratio = 300, 3
    fine, coarse = np.log1p(-x / 3) * np.arange(steps * ratio), np.log1p(-x) * np.repeat(np.arange(steps), ratio)
    with np.errstate(under="ignore"):
        total = np.sum(np.abs(np.exp(fine) - np.exp(coarse)) ** alpha) / ratio
    judge.exact(theory.two_grid_scale(alpha, 1.0, 1.0, x, steps, ratio) ** alpha, x * total, 1e-11)


def test_scales_beyond_the_floats_are_infinite_and_no_noise_stays_none():
    with np.errstate(over="raise", invalid="raise"):
        assert theory.euler_scale(0.01, 0.0, 0.7, 1.0, 10**6) == np.inf
        assert theory.stationary_scale(0.01, 1e-3, 0.7) == np.inf
        assert theory.transition_scale(0.01, 0.0, 0.0, 1e6) == 0


@pytest.mark.parametrize(("x", "ratio", "steps"), [(-0.7, 3, 40), (-3.0, 2, 12), (-1e-4, 4, 3000)])
def test_a_repelling_drift_is_summed_as_any_other(x, ratio, steps):
    """rate < 0: both grids grow; the sums of guide/sde.md, Two grids in 60 digits."""
    with decimal.localcontext(prec=60):
        fine, coarse, power = 1 - Decimal(x) / ratio, 1 - Decimal(x), Decimal("1.5")
        pairs = [(fine ** (m * ratio + j), coarse**m) for m in range(steps) for j in range(ratio)]
        gap = float(sum(abs(f - c) ** power for f, c in pairs) / ratio)
        size = float(sum(coarse**m for m in range(steps)))
    judge.exact(theory.two_grid_scale(1.5, x, 1.0, 1.0, steps, ratio) ** 1.5, gap, 1e-11)
    judge.exact(theory.euler_scale(1.0, x, 1.0, 1.0, steps), size, 1e-12)
    judge.exact(theory.transition_scale(1.0, -2.0, 1.0, 3.0), np.expm1(6.0) / 2, 1e-13)
    assert theory.transition_scale(1.5, -1e3, 1.0, 10.0) == theory.two_grid_scale(1.5, -1e3, 1.0, 1.0, 500, 2) == np.inf
