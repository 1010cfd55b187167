"""Long sums at a bounded cost: against sums of all terms in extended precision, closed forms at alpha 1 and 2, and counts."""

from fractions import Fraction

import numpy as np
import pytest

from jaxprune.theory.numerics import long_sums
from jaxprune.theory.sde import euler_sums, ornstein_uhlenbeck, particles
from tests import grades as judge

Extended = np.longdouble
STEPS = 40_001


def chaos_terms(alpha, x, y):
    """|(1 - x)^m - (1 - x - y)^m|^alpha, x + y < 1 or x < 1 < x + y."""
    m, a, b = np.arange(1, STEPS, dtype=Extended), 1 - Extended(x), 1 - Extended(x) - Extended(y)
    with np.errstate(under="ignore"):
        fast = np.exp(m * (np.log(abs(b)) - np.log(a))) * (np.sign(b) ** m if b < 0 else 1)
        return a ** (m * alpha) * np.abs(1 - fast) ** alpha


def grid_terms(alpha, x, ratio):
    m, x = np.arange(STEPS, dtype=Extended)[:, None], Extended(x)
    fine = np.exp((m * ratio + np.arange(ratio)) * np.log1p(-x / ratio))
    return np.abs(fine - np.exp(m * np.log1p(-x))) ** Extended(alpha) / ratio


@pytest.mark.parametrize("alpha", [0.3, 1.37])
@pytest.mark.parametrize(("x", "y"), [(1e-5, 1e-5), (1e-6, 0.3), (1e-4, 1.0), (1e-5, 1.9999), (0.0, 1e-3)])
def test_interaction_of_many_steps_is_the_sum_of_all(alpha, x, y):
    judge.exact(euler_sums.chaos_sum(alpha, x, y, STEPS), np.sum(chaos_terms(alpha, x, y)), 1e-12, spoil=1 + 1e-11)


@pytest.mark.parametrize("alpha", [0.3, 1.37])
@pytest.mark.parametrize("x", [1e-5, 7e-5, 4e-3])
def test_two_grids_of_many_steps_are_the_sum_of_all(alpha, x):
    # The grids cross at j/x: beyond the sum, inside it, and among its first terms.
    expected = np.sum(grid_terms(alpha, x, 3))
    judge.exact(euler_sums.two_grid_sum(alpha, x, STEPS, 3.0), expected, 1e-12, spoil=1 + 1e-11)


@pytest.mark.parametrize("alpha", [0.3, 1.37])
@pytest.mark.parametrize("x", [1e-5, 7e-5, 4e-3])
def test_strong_error_of_many_steps_is_the_sum_of_all(alpha, x):
    every = long_sums.every_term(lambda m: euler_sums._strong_terms(alpha, x, np.log1p(-x), m), 0, STEPS)
    judge.exact(euler_sums.strong_error_sum(alpha, x, STEPS), every, 1e-12, spoil=1 + 1e-11)


@pytest.mark.parametrize("x", [Fraction(1, 2**20), Fraction(1, 64), 2 - Fraction(1, 2**20)])
def test_squares_are_geometric_at_any_number_of_steps(x):
    """At alpha = 2 each sum is three geometric ones; with steps beyond every memory they are their limits, here rational."""
    steps, ratio = 10.0**12, 4
    a, f = 1 - x, 1 - x / ratio
    within = sum(f ** (2 * j) for j in range(ratio)) / (1 - f ** (2 * ratio))
    across = sum(f**j for j in range(ratio)) / (1 - a * f**ratio)
    grids = (within - 2 * across + ratio / (1 - a * a)) / ratio
    judge.exact(euler_sums.two_grid_sum(2.0, float(x), steps, ratio), float(grids), 1e-12, spoil=1 + 1e-11)
    for y in (Fraction(1, 1024), 2 - x - Fraction(1, 2**25)) if x < 1 else (Fraction(1, 2**21),):
        b = a - y
        chaos = 1 / (1 - a * a) - 2 / (1 - a * b) + 1 / (1 - b * b)
        judge.exact(euler_sums.chaos_sum(2.0, float(x), float(y), steps), float(chaos), 1e-12, spoil=1 + 1e-11)


def test_more_steps_than_can_be_told_apart_give_the_limit():
    steps = np.array([1e12, 1e15])
    for found in (
        ornstein_uhlenbeck.strong_error_scale(1.5, 1.0, 1.0, 1e-9, steps),
        ornstein_uhlenbeck.two_grid_scale(1.5, 1.0, 1.0, 1e-9, steps, 512),
    ):
        judge.exact(found, np.full(2, ornstein_uhlenbeck.strong_error_leading(1.5, 1.0, 1.0, 1e-9, 1e3)), 3e-3)
    scheme = particles.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 9, 1e-9, steps)
    judge.exact(scheme, np.full(2, particles.linear_chaos_scale(1.5, 1.0, 2.0, 1.0, 9, 1e3)), 1e-8)


@pytest.mark.parametrize("stop", [2_001.0, 1e6, 1e12, 1e18])
def test_few_terms_are_taken(stop):
    """A cubic is summed exactly, by a number of terms that grows like the logarithm of the sum's."""
    taken = []

    def terms(m):
        taken.append(m.size)
        return (m / stop) ** 3

    found = long_sums.long_sum(terms, 0.0, stop, (0.0, stop / 3), np.inf)
    judge.exact(found, (stop - 1) ** 2 / (4 * stop), 1e-13)
    assert sum(taken) < 1000 + 100 * np.log2(stop)


def test_a_kink_that_is_not_named_is_noticed():
    def terms(m):
        return np.abs(m - 54_321.5) ** 0.3

    every = long_sums.every_term(terms, 0, 100_000)
    judge.exact(long_sums.long_sum(terms, 0, 100_000, (54_321.5,), np.inf), every, 1e-13)
    assert abs(long_sums.long_sum(terms, 0, 100_000, (), np.inf) / every - 1) > 1e-6


def test_schemes_that_grow_without_end_cost_nothing():
    assert ornstein_uhlenbeck.two_grid_scale(1.5, 1.0, 1.0, 3.0, 1e12, 2) == np.inf
    assert particles.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 9, 1.0, 1e12) == np.inf
