"""Objectives against the losses they stand for; gradients and Hessians against finite differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.two_layer import curvature, losses, objectives
from tests import grades as judge

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(6, 3)), RNG.normal(size=6)
ROWS, SIGNS = RNG.normal(size=(4, 3)), np.array([1.0, 1.0, -1.0, 1.0])
SLOPE = np.array([0.3, 0.2, 0.1])


@functools.cache
def every():
    """In double precision."""
    return {
        "exact": objectives.exact(*TARGET),
        "simplified": objectives.simplified(losses.Factors(1.0, SLOPE, 0.1)),
        "limit": objectives.limit(1.0, 3),
        "common mean": objectives.common_mean(np.array([1.0, 0.0, 0.0]), 0.5),
    }


NAMES = ["exact", "simplified", "limit", "common mean"]
value = jax.jit(lambda objective, rows, signs: objective(rows, signs))
both = jax.jit(objectives.loss_and_gradient)
full = jax.jit(curvature.hessian)
loss, factors = jax.jit(losses.loss), jax.jit(losses.factors)
rotations = jax.jit(curvature.rotations)


@pytest.mark.slow
def test_the_exact_objective_is_the_loss(x64):
    objective = every()["exact"]
    judge.exact(objective(ROWS, SIGNS), loss(ROWS, SIGNS, *TARGET), 1e-13)
    judge.exact(objectives.affine_part(objective)[1], factors(*TARGET).slope, 1e-13)


def test_simplification_errs_by_the_even_part(x64):
    """L - L_s = -2 sum_j s_j h(u_j), exactly; and L <= L_s for networks without negative outputs."""
    size = np.linalg.norm(ROWS, axis=1)
    unit, target_size = ROWS / size[:, None], np.linalg.norm(TARGET[0], axis=1)
    even = losses.beyond_affine(jnp.asarray(unit @ (TARGET[0] / target_size[:, None]).T))
    exact, simple = every()["exact"], objectives.simplified(factors(*TARGET))
    gap = value(exact, ROWS, SIGNS) - value(simple, ROWS, SIGNS)
    judge.exact(gap, -2 * np.sum((SIGNS * size) * (even @ (TARGET[1] * target_size))), 1e-12)
    positive = TARGET[0], np.abs(TARGET[1])
    upper = objectives.simplified(factors(*positive))
    assert value(objectives.exact(*positive), ROWS, SIGNS**2) <= value(upper, ROWS, SIGNS**2)


@pytest.mark.slow
def test_the_limit_of_many_neurons_is_a_network_of_many(x64):
    """4,000 neurons on the circle, evenly."""
    angle = np.arange(4000) * np.pi / 2000
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.full(4000, np.sqrt(2 * np.pi) / 4000)
    judge.exact(value(objectives.limit(1.0, 2), ROWS[:, :2], SIGNS), loss(ROWS[:, :2], SIGNS, *ring), 1e-7)


@pytest.mark.slow
def test_common_mean_is_the_limit_of_rows_around_it(x64):
    """Rows beta e + sqrt(1 - beta^2) z in ever more inputs: the gap falls like 1/d."""
    beta, gaps = 0.5, []
    for dim in (50, 200):
        rng = np.random.default_rng(1)
        rest = rng.normal(size=(4 * dim, dim))
        rest[:, :3] = 0
        target = np.sqrt(1 - beta**2) * rest / np.linalg.norm(rest, axis=1, keepdims=True) + beta * np.eye(dim)[0]
        wide = np.pad(ROWS, ((0, 0), (0, dim - 3)))
        found = loss(wide, SIGNS, target, np.full(4 * dim, 0.25 / dim))
        gaps.append(float(found - value(every()["common mean"], ROWS, SIGNS)))
    assert 0 < gaps[1] < gaps[0] / 2.5 < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_gradient_and_hessian_are_differences(x64, name):
    objective, step = every()[name], 1e-5
    here, gradient = both(objective, ROWS, SIGNS)
    assert float(here) == pytest.approx(float(value(objective, ROWS, SIGNS)), rel=1e-14)
    basis = step * np.eye(12).reshape(12, 4, 3)
    ends = [[both(objective, ROWS + side * change, SIGNS) for side in (1, -1)] for change in basis]
    slopes = [(float(up[0]) - float(down[0])) / (2 * step) for up, down in ends]
    judge.exact(np.ravel(gradient), slopes, 1e-7)
    bends = [np.ravel(up[1] - down[1]) / (2 * step) for up, down in ends]
    judge.exact(full(objective, ROWS, SIGNS), bends, 1e-7)


def test_derivatives_where_rows_coincide_or_are_zero(x64):
    """Finite, and the limits of those nearby; a zero row has no Hessian."""
    objective = every()["exact"]
    unit = TARGET[0][0] / np.linalg.norm(TARGET[0][0])
    rows = np.stack([unit, 2 * unit, -unit, 0 * unit])
    near = rows + 1e-7 * RNG.normal(size=rows.shape)
    near[3] = 0
    judge.exact(both(objective, rows, SIGNS)[1][:3], both(objective, near, SIGNS)[1][:3], 1e-5)
    found = np.asarray(full(objective, rows, SIGNS))
    assert np.all(np.isfinite(found)) and not np.any(found[9:]) and not np.any(found[:, 9:])
    judge.exact(found, full(objective, near, SIGNS), 1e-4)


@pytest.mark.slow
def test_blocks_of_the_target_change_nothing(x64, monkeypatch):
    whole = both(every()["exact"], ROWS, SIGNS), full(every()["exact"], ROWS, SIGNS)
    monkeypatch.setattr(objectives, "BLOCK", 4)
    objective = objectives.exact(*TARGET)
    assert len(objective.rows) == 8
    again = jax.jit(lambda *given: (objectives.loss_and_gradient(*given)[1], curvature.hessian(*given)))
    gradient, bends = again(objective, ROWS, SIGNS)
    judge.exact(gradient, whole[0][1], 1e-14)
    judge.exact(bends, whole[1], 1e-13)


@pytest.mark.parametrize("name, count", [("exact", 0), ("simplified", 1), ("limit", 3), ("common mean", 1)])
def test_rotations_are_those_that_leave_the_target(x64, name, count):
    """Orthonormal, as many as they should be, and the loss is the same along them."""
    objective = every()[name]
    modes = np.asarray(rotations(objective, ROWS))
    modes = modes[np.linalg.norm(modes, axis=(1, 2)) > 0]
    assert len(modes) == count
    np.testing.assert_allclose(np.einsum("kij,lij->kl", modes, modes), np.eye(count), atol=1e-12)
    gradient = both(objective, ROWS, SIGNS)[1]
    np.testing.assert_allclose(np.einsum("kij,ij->k", modes, gradient), 0, atol=1e-12)


def test_bad_objectives_are_refused():
    cases = {
        "dim: 0": lambda: objectives.limit(1.0, 0),
        "mean: -1": lambda: objectives.limit(-1.0, 3),
        "direction: length": lambda: objectives.common_mean(np.array([1.0, 1.0]), 0.5),
        "cosine: 2": lambda: objectives.common_mean(np.array([1.0, 0.0]), 2.0),
        "slope: shape": lambda: objectives.simplified(losses.Factors(1.0, 0.5, 0.0)),
        "target_weights: 3": lambda: objectives.exact(TARGET[0], TARGET[1][:3]),
    }
    for words, make in cases.items():
        with pytest.raises(ValueError, match=words):
            make()


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("dim, ratio", [(1, np.pi / 2), (2, 4 / np.pi), (3, 3 * np.pi / 8), (10**6, 1 + 0.5e-6 + 0.125e-12)])
def test_the_limit_has_its_digits_in_any_number_of_inputs(double, dim, ratio):
    """``d Gamma(d/2)^2 / (2 Gamma((d+1)/2)^2)``, in closed form or by its first terms."""
    with jax.enable_x64(double):
        judge.exact(objectives.limit(1.0, dim).constant, ratio, 1e-15 if double else 1e-7)


def test_other_signs_and_inputs_are_refused(x64):
    objective, half = every()["exact"], np.full(4, 0.5)
    for words, call in {
        "signs: .* are not all 1.0 or -1.0": lambda: objective(ROWS, half),
        "signs: 3 output weights": lambda: objective(ROWS, SIGNS[:3]),
        "rows: has numbers": lambda: objective(np.nan * ROWS, SIGNS),
        "rows: 2 inputs": lambda: objective(ROWS[:, :2], SIGNS),
    }.items():
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.slow
def test_the_error_of_an_eigenvalue_knows_of_teachers_nearby(x64):
    """Rows almost on those of the target: the Hessian loses digits, and its error says so."""
    target, ones = RNG.normal(size=(3, 3)), np.ones(3)
    objective = objectives.exact(target, ones)
    eager = functools.partial(curvature.curvature, objective)
    for of in (eager, jax.jit(eager)):
        apart, near, same = (
            float(of(jnp.asarray(rows), jnp.asarray(ones)).error)
            for rows in (target * [1.0, 1.1, 0.9], target * (1 + 1e-9 * RNG.normal(size=(3, 3))), target * 3.0)
        )
        assert 1e5 * np.finfo(float).eps < near < 1e-4
        assert max(apart, same) < 1e3 * np.finfo(float).eps * objective.weights.size
