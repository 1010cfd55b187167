"""Pruning in groups and in rounds."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.simulate.least_squares import rounds as iterative
from tests import grades as judge

DIM, N = 40, 20
WIDTHS, KEPT = [10, 18, 30, 40], [2, 6, 14, 24]
KEY = jax.random.key(0)


def problem(rho=0.6):
    return LinearGaussian.from_covariance(spectra.ar1(DIM, rho), teachers.cosine(np.ones(DIM)), 0.3, N)


def fitted(widths=WIDTHS):
    return least_squares.min_norm_path(least_squares.draw(problem(), jax.random.key(3)), widths)


@pytest.mark.slow
@pytest.mark.parametrize("rule, size", [(pruning.magnitude, 2), (pruning.magnitude, 10), (pruning.random, 5)])
def test_groups_stay_together_in_the_order_of_their_scores(x64, rule, size):
    path = fitted([10, 20, 40])
    order = np.asarray(pruning.ranking(path, problem(), [pruning.grouped(rule, size)], KEY))[:, 0]
    scores = np.asarray(pruning.scores(rule, path, problem(), KEY))
    for row, score, p in zip(order, scores, path.widths, strict=True):
        blocks = row[:p].reshape(-1, size)
        np.testing.assert_array_equal(blocks, blocks[:, :1] + np.arange(size))
        group = np.sqrt(np.sum(score[:p].reshape(-1, size) ** 2, axis=1))
        np.testing.assert_array_equal(blocks[:, 0] // size, np.argsort(-group, kind="stable"))


@pytest.mark.slow
def test_groups_of_one_are_the_rule_and_groups_of_equals_keep_their_order(x64):
    path = fitted()
    for rule in (pruning.magnitude, pruning.hessian, pruning.random):
        plain, single = (pruning.ranking(path, problem(), [r], KEY) for r in (rule, pruning.grouped(rule, 1)))
        np.testing.assert_array_equal(plain, single)
    equal = least_squares.Path(path.data, jnp.ones((1, DIM)), jnp.zeros(1), jnp.zeros(1), (20,))
    order = pruning.ranking(equal, problem(), [pruning.grouped(pruning.magnitude, 5)], KEY)
    np.testing.assert_array_equal(order[0, 0], range(DIM))


@pytest.mark.parametrize("size", [0, -1, True])
def test_a_bad_size_is_named(size):
    with pytest.raises(ValueError, match="^size: "):
        pruning.grouped(pruning.magnitude, size)


@pytest.mark.slow
def test_a_size_that_does_not_divide_is_named(x64):
    for widths, size in ((WIDTHS, 4), ([9, 18], 9)):
        with pytest.raises(ValueError, match=f"^size: {size} does not divide"):
            pruning.scores(pruning.grouped(pruning.magnitude, size), fitted(widths), problem(), KEY)


def test_schedules_fall_by_a_constant_factor():
    found = iterative.geometric([64, 640], [4, 100], 4)
    np.testing.assert_array_equal(found[0], [[32, 16, 8, 4], [64, 64, 64, 64]])
    np.testing.assert_array_equal(found[1], [[180, 51, 14, 4], [402, 253, 159, 100]])


@pytest.mark.slow
def test_one_round_is_one_shot(x64):
    path = fitted()
    order = pruning.ranking(path, problem(), [pruning.magnitude], KEY)
    one_shot = pruning.retrained_surface(path.data, problem(), order, WIDTHS, KEPT)[:, 0]
    schedule = iterative.geometric(WIDTHS, KEPT, 1)
    once = iterative.iterative_path(path, problem(), schedule, pruning.magnitude, KEY)
    judge.exact(problem().risk(once), one_shot, 1e-9)
    more = iterative.iterative_path(path, problem(), iterative.geometric(WIDTHS, KEPT, 5), pruning.magnitude, KEY)
    assert np.max(np.abs(problem().risk(more) / one_shot - 1)) > 0.01  # the spoiled twin


@pytest.mark.slow
@pytest.mark.parametrize("rule, rounds", [(pruning.magnitude, 5), (pruning.empirical_hessian, 2)])
def test_rounds_are_lstsq_in_a_loop(x64, rule, rounds):
    path, schedule = fitted(), iterative.geometric(WIDTHS, KEPT, rounds)
    found = iterative.iterative_path(path, problem(), schedule, rule, KEY)
    x, y = np.asarray(path.data.features).T, np.asarray(path.data.target)
    weight = np.ones(DIM) if rule is pruning.magnitude else np.sqrt(np.mean(x**2, axis=0))
    for w, p in enumerate(WIDTHS):
        for k in range(len(KEPT)):
            coef, support = np.asarray(path.coef[w]), np.arange(p)
            for count in schedule[w, k]:
                support = support[np.argsort(-(weight * np.abs(coef))[support], kind="stable")[:count]]
                coef = np.zeros(DIM)
                coef[support] = np.linalg.lstsq(x[:, support], y, rcond=None)[0]
            judge.exact(found[w, k], coef, 1e-7)


def test_rounds_add_nothing_to_the_program(x64):
    def run(schedule, path):
        return iterative.iterative_path(path, problem(), schedule, pruning.magnitude, KEY)

    sizes = [
        len(str(jax.make_jaxpr(functools.partial(run, iterative.geometric(WIDTHS, KEPT, r)))(fitted())).splitlines())
        for r in (2, 20)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "call, name",
    [
        (lambda p: iterative.geometric([10], [4], 0), "rounds"),
        (lambda p: iterative.geometric([10], [4], True), "rounds"),
        (lambda p: iterative.geometric([10], [0], 2), "kept"),
        (lambda p: iterative.geometric([10, 10], [4], 2), "widths"),
        (lambda p: iterative.iterative_path(p, problem(), np.full((3, 1, 1), 5), pruning.magnitude, KEY), "schedule"),
        (lambda p: iterative.iterative_path(p, problem(), np.full((4, 1, 1), 0.5), pruning.magnitude, KEY), "schedule"),
        (lambda p: iterative.iterative_path(p, problem(), np.full((4, 1, 1), 20), pruning.magnitude, KEY), "schedule"),
        (lambda p: iterative.iterative_path(p, problem(), np.full((4, 1, 1), -1), pruning.magnitude, KEY), "schedule"),
    ],
)
def test_bad_input_is_named(x64, call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call(fitted())
