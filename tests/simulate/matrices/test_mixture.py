"""Two lines through points: known ones are found, starts are told apart, and what is no fit is marked or refused."""

import jax
import numpy as np
import pytest

from jaxprune.simulate.matrices import mixture

TRUE = np.array([[2.0, -1.0], [-1.0, 2.0]])  # intercept and slope, the steeper one last


def points(noise=0.1, count=200, seed=0, lines=TRUE):
    rng = np.random.default_rng(seed)
    x, which = rng.uniform(-2, 2, count), rng.random(count) < 0.7
    chosen = lines[which.astype(int)]
    return x, chosen[:, 0] + chosen[:, 1] * x + noise * rng.standard_normal(count)


def found(x, y, seed=0, **changes):
    return mixture.fit(jax.random.key(seed), np.asarray(x), np.asarray(y), **changes)


def test_two_known_lines_are_found():
    here = found(*points())
    assert here.failed[0] == 0 and here.reasons[0] == ""
    np.testing.assert_allclose(here.lines[0], TRUE, atol=0.06)
    assert not np.allclose(here.lines[0], TRUE[::-1], atol=0.06)  # the spoiled twin: lines exchanged
    np.testing.assert_allclose(here.shares[0], [0.3, 0.7], atol=0.08)
    np.testing.assert_allclose(here.precision[0] ** -0.5, 0.1, rtol=0.15)


def test_the_ridge_and_one_step_are_those_of_numpy():
    x, y = points(count=40)
    here = found(x, y, starts=1, iterations=1, regularisation=0.5, precision=2.0)
    with jax.enable_x64(True):
        start = np.asarray(jax.random.normal(jax.random.key(0), (1, 2, 2), "float64"))[0]
    rows = np.stack([np.ones_like(x), x], axis=1)
    logs = -((y[:, None] - rows @ start.T) ** 2)
    weight = np.exp(logs - logs.max(1, keepdims=True))
    weight /= weight.sum(1, keepdims=True)
    lines = [np.linalg.solve(rows.T @ (w[:, None] * rows) + 0.5 * np.eye(2), rows.T @ (w * y)) for w in weight.T]
    order = np.argsort([line[1] for line in lines])
    np.testing.assert_allclose(here.lines[0], np.array(lines)[order], rtol=1e-10)
    assert here.failed[0] == 3  # one step has not settled


def test_starts_come_in_order_and_their_spread_is_told():
    """Of four lines two can be joined in several ways; a sharp mixture of two known lines has one best fit."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, 80)
    four = np.repeat([-6.0, -2.0, 2.0, 6.0], 20) + np.tile([1.0, -1.0], 40) * x + 0.1 * rng.standard_normal(80)
    many = found(x, four, starts=40, precision=1.0, iterations=1000)
    good = many.failed == 0
    assert np.all(np.diff(many.log_likelihood[good]) <= 1e-9) and np.all(np.diff(good.astype(int)) <= 0)
    assert good.sum() > 1 and np.max(many.spread) > 0.5
    sharp = found(*points(noise=0.02, seed=2))
    best = sharp.log_likelihood > sharp.log_likelihood[0] - 1e-3
    assert np.max(np.ptp(sharp.lines[best], axis=0)) < 1e-3


def test_points_on_lines_are_no_fit():
    """Without a ridge, which moves the lines off the points."""
    here = found(*points(noise=0.0), regularisation=1e-12)
    assert 2 in here.failed and 0 not in here.failed
    assert np.all(np.isnan(here.spread))


def test_a_line_without_points_is_no_fit():
    """One line with an outlier: the other line has that alone."""
    x = np.linspace(-1, 1, 30)
    y = x + 0.01 * np.random.default_rng(0).standard_normal(30)
    y[3] += 50.0
    here = found(x, y, precision=1.0)
    assert 1 in here.failed and "fewer than 3 points" in here.reasons[list(here.failed).index(1)]


@pytest.mark.parametrize(
    "name, x, y, changes",
    [
        ("x, y", [1.0, 2.0], [1.0, 2.0], {}),
        ("x, y", np.arange(8.0), np.arange(7.0), {}),
        ("x, y", np.full((4, 4), 1.0), np.full((4, 4), 1.0), {}),
        ("x, y", [*range(7), np.nan], [*range(8)], {}),
        ("x", np.ones(8), np.arange(8.0), {}),
        ("y", np.arange(8.0), np.ones(8), {}),
        ("starts", np.arange(8.0), np.arange(8.0) ** 2, dict(starts=0)),
        ("iterations", np.arange(8.0), np.arange(8.0) ** 2, dict(iterations=0)),
        ("regularisation", np.arange(8.0), np.arange(8.0) ** 2, dict(regularisation=0.0)),
        ("precision", np.arange(8.0), np.arange(8.0) ** 2, dict(precision=-1.0)),
    ],
)
def test_what_makes_no_sense_is_refused(name, x, y, changes):
    with pytest.raises(ValueError, match=name):
        found(x, y, **changes)
