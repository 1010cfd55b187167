"""Tail index of SGD in linear regression: reference numbers, polynomials, quadrature at 40 digits, bad input."""

import numpy as np
import pytest
from scipy import special

from jaxprune.theory.sgd import linear as theory
from tests import grades as judge

SHAPES = [(1, 1), (1, 2), (1, 3), (2, 1), (5, 10), (1, 100), (1, 1000), (1000, 1), (1000, 1000), (20, 3)]


def test_reference_numbers():
    judge.exact(theory.tail_index(0.8, 1, 1), 1.5463987907513743, 1e-10)
    found = [theory.lyapunov(0.8, 1, 1), theory.moment(1, 0.8, 1, 1), theory.fourth_moment(0.8, 1, 1)]
    judge.exact(found, [-0.46574374942587227, 0.8585572675405047, 21.608], 1e-13)
    judge.exact(theory.tail_index(0.65, 1, 2), 1.02688684915665, 1e-10)
    found = [theory.lyapunov(0.65, 1, 2), theory.moment(1, 0.65, 1, 2), theory.fourth_moment(0.65, 1, 2)]
    judge.exact(found, [-0.1343158706989461, 0.996194356455467, 12.7819], 1e-13)
    judge.exact(theory.thresholds(10, 100), [0.18018018018018017, 0.1808906215035703], 1e-11)
    judge.exact(theory.stationary_second_moment(0.3, 2, 5, 1.0, 1.5), 2.109375, 1e-13)


def test_reference_numbers_of_related_systems():
    judge.exact(
        [theory.thresholds(5, 10)[0], theory.second_moment(0.3, 5, 10), theory.fourth_moment(0.3, 5, 10)],
        [0.625, 0.688, 0.498976],
        1e-13,
    )
    judge.exact(theory.stationary_second_moment(0.3, 5, 10, 1.0, 1.0), 0.5769230769230769, 1e-13)
    judge.exact(theory.tail_index([1.1, 0.65], [1, 5], [1, 10]), [0.9244181318721283, 1.205151787010614], 1e-7)
    judge.exact(theory.lyapunov([1.1, 0.65], [1, 5], [1, 10]), [-0.3885102649092172, -0.03321806097231512], 1e-8)
    judge.exact(theory.moment(1.0, [1.1, 0.65], [1, 5], [1, 10]), [1.0304020559801141, 0.9939714964125114], 1e-9)
    assert np.isnan(theory.tail_index(0.75, 5, 10))
    judge.exact(theory.lyapunov(0.75, 5, 10), 0.050, 1e-2, spoil=1.1)


@pytest.mark.parametrize("batch, dim", SHAPES)
@pytest.mark.parametrize("step_size", [1e-6, 0.3, 1.3, 100.0])
def test_moments_are_polynomials(step_size, batch, dim):
    judge.exact(theory.moment(2, step_size, batch, dim), theory.second_moment(step_size, batch, dim), 1e-12)
    judge.exact(theory.moment(4, step_size, batch, dim), theory.fourth_moment(step_size, batch, dim), 1e-12)
    assert theory.moment(0, step_size, batch, dim) == 1


@pytest.mark.parametrize(
    "s, step_size, batch, expected",
    [
        # E|1 - c chi2_b|^s from mpmath's quadrature with 40 digits, split at X = 1/c; c = step_size / b as a float.
        (0.5, 0.8, 1, 0.8643787500130409),
        (1.0, 0.8, 1, 0.8585572675405014),
        (1.7, 0.30000000000000004, 3, 0.5897989127358418),
        (3.0, 4.0, 2, 299.1190013988389),
        (0.001, 1.2, 4, 0.9990798904633487),
    ],
)
def test_one_dimension(s, step_size, batch, expected):
    judge.exact(theory.moment(s, step_size, batch, 1), expected, 1e-13)


def test_rates_of_huge_and_tiny_steps():
    # Huge steps: R ~ (step/b) X for d = 1; one more decade adds log 10 in any dimension. Tiny ones: the mean decays at the step.
    judge.exact(theory.lyapunov(1e12, 3, 1), np.log(2e12 / 3) + special.digamma(1.5), 1e-10)
    judge.exact(theory.lyapunov(1e10, 2, 5) - theory.lyapunov(1e9, 2, 5), np.log(10), 1e-8)
    judge.exact(theory.lyapunov(1e-7, 3, 4), -1e-7, 1e-6)


@pytest.mark.parametrize("batch, dim", SHAPES)
def test_thresholds(batch, dim):
    critical, maximal = theory.thresholds(batch, dim)
    assert critical < maximal
    scale = theory.window_width(batch, dim)
    # The tail index is known to round-off over the curvature of log h, which is of the order of the window.
    judge.exact(theory.tail_index(critical, batch, dim), 2.0, max(1e-11, 1e-12 / scale))
    assert abs(theory.lyapunov(maximal, batch, dim)) < 1e-13
    middle = theory.tail_index(0.5 * (critical + maximal), batch, dim)
    assert 0 < middle < 2 < theory.tail_index(0.98 * critical, batch, dim)
    assert np.isnan(theory.tail_index(1.01 * maximal, batch, dim))
    assert theory.status(0.9 * critical, batch, dim) == "light"
    assert theory.status(0.5 * (critical + maximal), batch, dim) == "heavy"
    assert theory.status(1.1 * maximal, batch, dim) == "no_stationary_law"
    steps = np.array([0.9 * critical, 1.1 * maximal])
    assert theory.status(steps, batch, dim).tolist() == ["light", "no_stationary_law"]
    if dim >= 100:
        judge.exact(scale, theory.approximate_window_width(batch, dim), 30 / dim if batch < dim else 0.1, spoil=2)
        judge.exact(middle, 1.0, 1e-2, spoil=1.1)


def test_window_of_the_guide():
    judge.exact([theory.window_width(1, 100), theory.approximate_window_width(1, 100)], [0.001183, 0.001153], 1e-3)
    judge.exact([theory.window_width(1, 10), theory.approximate_window_width(1, 10)], [0.0793, 0.0833], 1e-3)


def test_the_grid_of_the_released_notebook():
    """d = 100: most settings have no stationary law, one has a tail index below 8, and no other is anywhere near."""
    steps, batches = np.arange(1, 11)[:, None] / 50, np.array([1, 2, 3, 4, 5, 10, 20])
    found = theory.tail_index(steps, batches, 100)
    assert [np.sum(np.isnan(found)), np.sum(found < 8), np.sum(found >= 8)] == [41, 1, 28]
    np.testing.assert_array_equal(np.isnan(found), theory.status(steps, batches, 100) == "no_stationary_law")
    judge.exact(found[8, 5], 2.506, 2e-4)
    assert np.sum(np.isnan(theory.tail_index(steps, batches, 90))) != 41  # the grid tells 90 dimensions from 100


def test_units_and_monotonicity():
    judge.exact(theory.tail_index(0.2, 1, 2, 1.8), theory.tail_index(0.2 * 1.8**2, 1, 2), 1e-12)
    judge.exact(np.array(theory.thresholds(3, 4, 2.0)) * 4, theory.thresholds(3, 4), 1e-12)
    assert np.all(np.diff(theory.tail_index([0.4, 0.6, 0.8], 1, 1)) < 0)
    assert np.all(np.diff(theory.tail_index(0.5, 1, [1, 2])) < 0)
    assert theory.tail_index(1e-3, 1, 1) == np.inf
    assert theory.tail_index([[0.5], [0.8]], [1, 2], 1).shape == (2, 2)
    assert theory.stationary_second_moment([0.625, 0.7], 5, 10, 1.0, 1.0).tolist() == [np.inf, np.inf]
    assert theory.stationary_second_moment(0.3, 5, 10, 1.0, 0.0) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.tail_index(0.0, 1, 1),
        lambda: theory.tail_index(np.nan, 1, 1),
        lambda: theory.tail_index(0.5, 0, 1),
        lambda: theory.tail_index(0.5, 1.5, 1),
        lambda: theory.tail_index(0.5, 1, -1),
        lambda: theory.lyapunov(0.5, 1, 1, 0.0),
        lambda: theory.moment(-0.5, 0.5, 1, 1),
        lambda: theory.stationary_second_moment(0.5, 1, 1, 1.0, -1.0),
        lambda: theory.status(-1.0, 1, 1),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()
