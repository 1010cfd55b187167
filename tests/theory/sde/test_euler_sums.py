"""Sums behind Euler schemes: against the same in extended precision, closed forms at alpha = 2, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest

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


@pytest.mark.parametrize("x", [Fraction(1, 2**14), Fraction(1, 64), 2 - Fraction(1, 2**13)])
def test_squares_are_geometric_at_any_number_of_steps(x):
    """At alpha = 2 each sum is three geometric ones; with steps beyond every patience they are their limits, here rational."""
    steps, ratio = 10.0**12, 4
    a, f = 1 - x, 1 - x / ratio
    within = sum(f ** (2 * j) for j in range(ratio)) / (1 - f ** (2 * ratio))
    across = sum(f**j for j in range(ratio)) / (1 - a * f**ratio)
    grids = (within - 2 * across + ratio / (1 - a * a)) / ratio
    judge.exact(euler_sums.two_grid_sum(2.0, float(x), steps, ratio), float(grids), 1e-12, spoil=1 + 1e-11)
    for y in (Fraction(1, 1024), 2 - x - Fraction(1, 2**25)) if x < 1 else (Fraction(1, 2**14),):
        b = a - y
        chaos = 1 / (1 - a * a) - 2 / (1 - a * b) + 1 / (1 - b * b)
        judge.exact(euler_sums.chaos_sum(2.0, float(x), float(y), steps), float(chaos), 1e-12, spoil=1 + 1e-11)


def test_powers_that_outlive_the_other_ones_are_summed_at_any_number_of_steps():
    """By then one power is 1e-20 of the other: sums of 10^12 terms are those of a few and a geometric one."""
    steps, x = 10.0**12, 2 - 2.0**-30
    judge.exact(euler_sums.strong_error_sum(1.5, x, steps), 2.0**30 / 1.5, 1e-7, spoil=1 + 1e-6)
    judge.exact(euler_sums.chaos_sum(1.5, 1e-9, 0.3, steps), 1 / (1.5 * 1e-9), 1e-7, spoil=1 + 1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ornstein_uhlenbeck.strong_error_scale(1.5, 1.0, 1.0, 1e-9, 1e12),
        lambda: ornstein_uhlenbeck.two_grid_scale(1.5, 1.0, 1.0, 1e-9, 1e12, 512),
        lambda: particles.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 9, 1e-9, 1e12),
    ],
)
def test_more_steps_than_can_be_summed_are_refused(call):
    with pytest.raises(ValueError, match=r"^steps: 1e\+12 at rate \* step_size = 1e-09 .+; .+"):
        call()


def test_schemes_that_grow_without_end_cost_nothing():
    assert ornstein_uhlenbeck.two_grid_scale(1.5, 1.0, 1.0, 3.0, 1e12, 2) == np.inf
    assert particles.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 9, 1.0, 1e12) == np.inf
