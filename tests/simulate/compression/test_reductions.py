"""Reductions: what contract 4 promises of all of them, and what each of them promises."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jaxprune.simulate.compression import (
    compressibility,
    layer_pruning,
    projection,
    quantiser,
    released_split,
    rules,
    sketch,
    sparse,
)
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")

RNG = np.random.default_rng(7)
KEY = jax.random.key(8)
with jax.enable_x64(True):
    HEAVY = jnp.asarray(np.sign(RNG.random((12, 10)) - 0.5) * RNG.random((12, 10)) ** (-1 / 1.2))
    INPUTS = jnp.asarray(RNG.standard_normal((50, 10)) * np.exp(RNG.standard_normal(10)))
    TREE = {"a": HEAVY, "b": [jnp.asarray(RNG.standard_normal(7))]}
REDUCTIONS = {  # (key, matrix, budget) -> Compressed
    "magnitude": lambda key, w, b: rules.compress(rules.magnitude, key, w, b),
    "activation-aware": lambda key, w, b: rules.compress(sparse.activation_aware, key, w, b, INPUTS),
    "threshold": lambda key, w, b: sparse.threshold(w, jnp.sort(jnp.abs(w), axis=None)[::-1][b]),
    "random, power 1": lambda key, w, b: sparse.random_keep(key, w, sparse.inclusion_of(w, b, 1)),
    "random, power 2": lambda key, w, b: sparse.random_keep(key, w, sparse.inclusion_of(w, b, 2)),
    "uniform mask": lambda key, w, b: sparse.uniform_mask(key, w, b / w.size),
    "matrix project": projection.matrix_project,
    "low rank": lambda key, w, b: projection.low_rank(w, b // 5),
    "quantised": lambda key, w, b: quantiser.quantised(rules.compress(rules.magnitude, key, w, b), 5),
    "released split": lambda key, w, b: released_split.split(key, w),
    "matched split": lambda key, w, b: released_split.split(key, w, "matched"),
    "sketch": lambda key, w, b: sketch.sketched(key, w, b, 7, 7),
}
UNBIASED = {"random, power 1", "random, power 2", "uniform mask", "matrix project"}
SPARSE = {"magnitude", "activation-aware", "threshold", "random, power 1", "random, power 2", "uniform mask", "quantised"}
EXACT = {"magnitude", "activation-aware", "threshold", "quantised"}


@functools.cache
def compiled(name):
    """Once for all tests; what holds of calls that are not compiled is in the tests of each."""
    return jax.jit(REDUCTIONS[name], static_argnums=2)


# All reductions.


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_keeps_the_shape_and_says_what_it_costs(name):
    found = compiled(name)(KEY, HEAVY, 20)
    assert found.value.shape == HEAVY.shape and found.value.dtype == HEAVY.dtype
    assert np.all(np.isfinite(found.value)) and 0 < float(found.nats) < math.inf and int(found.kept) > 0
    if name in SPARSE:
        assert np.count_nonzero(found.value) == int(found.kept)
    if name in EXACT:
        assert int(found.kept) == 20


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_batch_in_one_program_is_one_after_another(name):
    matrices, keys = jnp.stack([HEAVY, HEAVY[::-1] ** 2, 1e-3 * HEAVY]), jax.random.split(KEY, 3)
    batch = jax.jit(jax.vmap(lambda k, w: REDUCTIONS[name](k, w, 20)))(keys, matrices)
    for i in range(3):
        alone = compiled(name)(keys[i], matrices[i], 20)
        judge.exact(batch.value[i], alone.value, 1e-9)
        judge.exact(jnp.broadcast_to(batch.nats, (3,))[i], alone.nats, 1e-9)
        assert int(jnp.broadcast_to(batch.kept, (3,))[i]) == int(alone.kept)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_scale_goes_through(name):
    one, other = (compiled(name)(KEY, HEAVY * factor, 20) for factor in (1.0, 2.0**40))
    judge.exact(other.value / 2.0**40, one.value, 1e-8)
    assert int(one.kept) == int(other.kept)


@pytest.mark.parametrize("name", sorted(UNBIASED))
def test_what_is_drawn_is_right_on_average(name):
    draws = jax.jit(jax.vmap(lambda key: REDUCTIONS[name](key, HEAVY, 20).value))(jax.random.split(KEY, 8000))
    direction = jnp.asarray(RNG.standard_normal((HEAVY.size, 3))) / 10
    judge.statistical(draws.reshape(8000, -1) @ direction, HEAVY.ravel() @ direction, spoil=1.5)


@pytest.mark.parametrize("name", ["random, power 1", "random, power 2", "uniform mask", "threshold", "quantised"])
def test_trees_share_one_budget(name):
    if name == "uniform mask":
        found = sparse.uniform_mask(KEY, TREE, 0.3)
    elif name == "threshold":
        found = sparse.threshold(TREE, 1.5)
    elif name == "quantised":
        found = quantiser.quantised(rules.compress(rules.magnitude, KEY, TREE, 20), 4)
    else:
        found = sparse.random_keep(KEY, TREE, sparse.inclusion_of(TREE, 20, int(name[-1])))
    assert jax.tree.map(jnp.shape, found.value) == jax.tree.map(jnp.shape, TREE)
    assert int(found.kept) == sum(np.count_nonzero(leaf) for leaf in jax.tree.leaves(found.value))


# Each.


def test_a_threshold_is_strict():
    found = sparse.threshold(jnp.array([1.0, -2.0, 2.0, 3.0]), 2.0)
    assert found.value.tolist() == [0, 0, 0, 3.0] and int(found.kept) == 1


def test_scores_of_activations_lower_the_error_of_outputs():
    judge.exact(
        sparse.activation_aware(None, HEAVY, INPUTS) / sparse.activation_aware(None, HEAVY, INPUTS)[0, 0],
        np.abs(HEAVY) * np.sqrt(np.mean(INPUTS**2, 0)) / (abs(HEAVY[0, 0]) * np.sqrt(np.mean(INPUTS[:, 0] ** 2))),
    )
    even = jnp.asarray(RNG.standard_normal((12, 10)))
    aware, blind = (REDUCTIONS[name](KEY, even, 40).value for name in ("activation-aware", "magnitude"))
    errors = [float(jnp.linalg.norm((even - w) @ INPUTS.T)) for w in (aware, blind)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("power", [1, 2])
def test_inclusion_has_the_budget_and_the_form(power):
    for budget in (0.0, 0.4, 3.7, 20, 60, 119.5, 120, 500):
        chances = np.asarray(sparse.inclusion_of(HEAVY, budget, power))
        judge.exact(np.sum(chances), min(budget, 120), 1e-12)
        some = (chances < 1) & (chances > 0)
        if np.any(some):
            ratios = chances[some] / np.abs(np.asarray(HEAVY))[some] ** power
            judge.exact(ratios, np.full_like(ratios, ratios[0]), 1e-9)
            size = float(ratios[0] ** (-1 / power))
            judge.exact(sparse.inclusion(HEAVY, size, power), chances, 1e-9)
    chances = sparse.inclusion_of(jnp.array([0.0, 2.0, 0.0, -1.0]), 3, power)
    assert chances.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("power", [1, 2])
def test_counts_and_errors_of_random_sets_of_pareto_entries(power):
    """Entries u^-1 kept with probability min(1, (|a|/50)^power): fractions and squared errors by integration."""
    tau, n = 50.0, 4000
    entries = jnp.asarray(1 / (1 - np.random.default_rng(3).random((300, n))))

    def one(key, a):
        found = sparse.random_keep(key, a, sparse.inclusion(a, tau, power))
        return found.kept / n, jnp.mean((found.value - a) ** 2)

    kept, errors = jax.jit(jax.vmap(one))(jax.random.split(KEY, 300), entries)
    moments = {1: math.log(tau), 2: tau - 1}  # E[|a|^p; |a| <= tau]
    judge.statistical(kept, 1 / tau + moments[power] / tau**power)
    expected = tau * moments[1] - moments[2] if power == 1 else tau**2 * (1 - 1 / tau) - moments[2]
    judge.statistical(errors, expected, spoil=1.25)


def test_matrix_project_by_hand_and_nested():
    counts = jnp.array([1, 4, 9])
    path = projection.matrix_project_path(KEY, HEAVY, counts)
    signs = [np.asarray(jax.random.rademacher(jax.random.fold_in(KEY, i), HEAVY.shape, HEAVY.dtype)) for i in range(9)]
    for value, count in zip(path.value, (1, 4, 9), strict=True):
        judge.exact(value, sum(np.sum(HEAVY * m) * m for m in signs[:count]) / count, 1e-12)
        judge.exact(value, projection.matrix_project(KEY, HEAVY, count).value, 1e-12)
    form = projection.matrix_project_path(KEY, HEAVY, counts, lambda w: w[0] @ w[1])
    judge.exact(form.value, [v[0] @ v[1] for v in path.value], 1e-12)


@pytest.mark.slow
def test_matrix_project_misses_as_often_as_it_should():
    """Gaussian 20 x 20, u v' along A, eps 0.25, k = 74: an independent simulation has 0.1243 +- 0.0060, erfc(..) = 0.1283."""

    def misses(key):
        draw, signs = jax.random.split(key)
        a, b = jax.random.normal(draw, (2, 20))
        a, b = a / jnp.linalg.norm(a), b / jnp.linalg.norm(b)
        found = projection.matrix_project(signs, jnp.outer(a, b), 74).value
        return jnp.abs(a @ found @ b - 1) >= 0.25

    rate = np.mean(jax.jit(lambda keys: jax.lax.map(misses, keys, batch_size=50))(jax.random.split(KEY, 4000)))
    expected = special.erfc(0.25 * math.sqrt(74 / 4))
    error = math.sqrt(expected * (1 - expected) / 4000)
    assert abs(rate - expected) < 0.006 + 4 * error
    assert abs(rate - special.erfc(0.25 * math.sqrt(74 / 2))) > 0.006 + 4 * error  # without rho


def test_low_rank_is_the_nearest():
    left, values, right = np.linalg.svd(np.asarray(HEAVY), full_matrices=False)
    found = projection.low_rank(HEAVY, 3)
    judge.exact(found.value, left[:, :3] * values[:3] @ right[:3], 1e-10)
    assert int(found.kept) == 66
    assert np.array_equal(projection.low_rank(HEAVY, 10).value, HEAVY)
    assert not np.any(projection.low_rank(HEAVY, 0).value)


def test_the_stable_rank_and_its_gradient():
    judge.exact(projection.stable_rank(jnp.diag(jnp.array([3.0, 2.0, 1.0]))), 14 / 9)
    judge.exact(projection.stable_rank(1e200 * HEAVY), projection.stable_rank(HEAVY), 1e-10)
    rank = jax.jit(projection.stable_rank)
    gradient, step = np.asarray(jax.jit(jax.grad(projection.stable_rank))(HEAVY)), 1e-6
    for i, j in ((0, 0), (3, 4), (11, 9), np.unravel_index(np.argmax(np.abs(HEAVY)), HEAVY.shape)):
        change = np.zeros(HEAVY.shape)
        change[i, j] = step
        slope = (rank(HEAVY + change) - rank(HEAVY - change)) / (2 * step)
        judge.exact(gradient[i, j], slope, 1e-5, spoil=1.001)


@pytest.mark.parametrize("bits", [1, 4, 6])
def test_a_quantiser_stays_within_its_bound_and_reaches_it(bits):
    kept = rules.compress(rules.magnitude, None, HEAVY, 60)
    found, bound = quantiser.quantised(kept, bits), float(quantiser.relative_bound(kept.value, bits))
    live = np.asarray(kept.value) != 0
    errors = np.abs(found.value - kept.value)[live] / np.abs(kept.value)[live]
    assert 0.5 * bound < np.max(errors) <= bound * (1 + 1e-12)
    values = np.unique(np.abs(found.value)[live])
    assert len(values) <= 2**bits and np.all(np.sign(found.value) == np.sign(kept.value))
    ways = math.lgamma(121) - math.lgamma(61) - math.lgamma(61)
    judge.exact(found.nats, ways + 60 * (1 + bits) * math.log(2) + 64 * math.log(2), 1e-12)


def test_a_quantiser_of_equal_values_changes_nothing():
    found = quantiser.quantised(rules.Compressed(jnp.array([2.0, 0.0, -2.0]), jnp.asarray(2), 0.0), 3)
    judge.exact(found.value, [2.0, 0.0, -2.0], 1e-12)


@pytest.mark.parametrize("scale", released_split.SCALES)
def test_the_released_split_by_its_formula(scale):
    """Mean over draws of the relative squared error: sum over the small part of (w - m)^2 + s^2."""
    w = np.asarray(HEAVY)
    large = np.abs(w) > np.std(w, ddof=1)
    part = w if scale == "released" else w[~large]
    mean, deviation = np.mean(part), np.std(part, ddof=1)
    expected = (np.sum((w[~large] - mean) ** 2) + np.sum(~large) * deviation**2) / np.sum(w**2)

    def one(key):
        return released_split.squared_error(released_split.split(key, HEAVY, scale).value, HEAVY)

    judge.statistical(jax.jit(jax.vmap(one))(jax.random.split(KEY, 3000)), expected)
    found = released_split.split(KEY, HEAVY, scale)
    assert np.array_equal(np.asarray(found.value)[large], w[large]) and int(found.kept) == np.sum(large) + 2


@pytest.mark.slow
def test_the_released_split_of_normal_weights():
    """Keeps 31.73 %, drops 19.87 % of the energy: D + 1 - kappa = 0.8814, matched 2 D = 0.3975."""
    drawn = jax.random.normal(KEY, (400, 60, 60))
    kept = jax.jit(jax.vmap(lambda w: jnp.mean(released_split.large(w))))(drawn)
    kappa, dropped = special.erfc(1 / math.sqrt(2)), special.gammainc(1.5, 0.5)
    judge.statistical(kept, kappa)
    for scale, expected in (("released", dropped + 1 - kappa), ("matched", 2 * dropped)):
        error = jax.vmap(lambda k, w, s=scale: released_split.squared_error(released_split.split(k, w, s).value, w))
        errors = jax.jit(error)(jax.random.split(KEY, 400), drawn)
        assert abs(np.mean(errors) - expected) < 2e-3 < 0.01 * expected


@pytest.mark.slow
def test_a_sketch_that_is_large_enough_finds_all():
    matrix = jnp.asarray(np.sign(RNG.random((60, 50)) - 0.5) * RNG.random((60, 50)) ** (-1 / 1.2))
    wanted = rules.compress(rules.magnitude, None, matrix, 40).value
    sketched = jax.jit(sketch.sketched, static_argnums=(2, 3, 4))
    judge.exact(sketched(KEY, matrix, 40, 42, 42).value, wanted, 1e-9)
    poor = sketched(KEY, matrix, 40, 7, 7)
    assert float(jnp.max(jnp.abs(poor.value - wanted))) > 1e-3 * float(jnp.max(jnp.abs(wanted)))
    assert int(poor.kept) == 49


# Code lengths.


def test_code_lengths_in_single_precision():
    """Against exact sums of logarithms; differences of log-gamma functions in float32 would be off by 128 nats."""
    for total, kept in ((10**6, 10**3), (10**8, 10**4), (10**8, 10**8 - 7), (2 * 10**9, 5), (120, 60), (7, 1), (7, 7), (7, 0)):
        few = min(kept, total - kept)
        exact = float(np.sum(np.log(total - np.arange(few)) - np.log1p(np.arange(few))))
        with jax.enable_x64(False):
            single = float(rules.log_ways(kept, total))
        assert single == pytest.approx(exact, rel=1e-6, abs=1e-6)
        assert float(rules.log_ways(kept, total)) == pytest.approx(exact, rel=1e-12, abs=1e-12)
    judge.exact(rules.code_length(916, 512 * 512, 7) + 64 * math.log(2) + math.log(512 * 512 + 1), 10592.843990282683, 1e-12)


def test_a_total_beyond_the_integers_is_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match="total: 3000000000"):
        rules.log_ways(5, 3 * 10**9)
    with jax.enable_x64(False), pytest.raises(ValueError, match="total: 3000000000"):
        jax.jit(lambda kept: rules.log_ways(kept, 3 * 10**9))(5)


# What is refused, and NaN where it is traced.

ONES = jnp.ones((12, 10), int)
WRONG: Any = HEAVY  # where something else is asked for
WORD: Any = "magnitude"
FOUND = rules.Compressed(HEAVY, 120, 0.0)
OUTSIDE = {  # a function of one number, and numbers that it does not take
    "threshold": (lambda b: sparse.threshold(HEAVY, b), [-1.0, jnp.nan, jnp.inf]),
    "inclusion": (lambda b: sparse.inclusion(HEAVY, b), [0.0, -1.0, jnp.nan]),
    "inclusion_of": (lambda b: sparse.inclusion_of(HEAVY, b), [-1.0, jnp.nan]),
    "inclusion_of, kept": (lambda b: sparse.random_keep(KEY, HEAVY, sparse.inclusion_of(HEAVY, b)), [0.0, -1.0]),
    "random_keep": (lambda b: sparse.random_keep(KEY, HEAVY, jnp.ones(HEAVY.shape).at[3, 4].set(b)), [2.0, 0.0, -1.0, jnp.nan]),
    "uniform_mask": (lambda b: sparse.uniform_mask(KEY, HEAVY, b), [1.5, 0.0, jnp.nan]),
    "uniform_mask of zeros": (lambda b: sparse.uniform_mask(KEY, 0 * HEAVY, b), [1.5, 0.0]),
    "weights, at random": (lambda b: sparse.uniform_mask(KEY, HEAVY.at[3, 4].set(b), 0.01), [jnp.nan, jnp.inf]),
    "matrix_project": (lambda b: projection.matrix_project(KEY, HEAVY, b), [0, -1, 2.5]),
    "weights, projected": (lambda b: projection.matrix_project(KEY, HEAVY.at[3, 4].set(b), 3), [jnp.inf]),
    "low_rank": (lambda b: projection.low_rank(HEAVY, b), [-1, 1.5, jnp.inf]),
    "low_rank of zeros": (lambda b: projection.low_rank(b * HEAVY, 2), [0.0]),
    "compress": (lambda b: rules.compress(rules.magnitude, None, HEAVY, b), [-1, 2.5, jnp.inf, jnp.nan]),
    "weights": (lambda b: rules.compress(rules.magnitude, None, HEAVY.at[3, 4].set(b), 5), [jnp.nan, jnp.inf]),
    "inputs": (lambda b: rules.compress(sparse.activation_aware, None, HEAVY, 5, b * INPUTS), [jnp.nan, jnp.inf]),
    "compress integers": (lambda b: rules.compress(rules.magnitude, None, ONES, b), [-1]),
    "value_bits": (lambda b: rules.compress(rules.magnitude, None, HEAVY, 3, None, b).nats, [-3, 1.5]),
    "code_length": (lambda b: rules.code_length(b, 30), [-5, 31, 2.5]),
    "log_ways": (lambda b: rules.log_ways(b, 30), [-1, 31]),
    "quantised": (lambda b: quantiser.quantised(FOUND._replace(value=b * HEAVY), 4), [0.0, jnp.inf]),
    "relative_bound": (lambda b: quantiser.relative_bound(b * HEAVY, 4), [0.0]),
    "on_grid": (lambda b: quantiser.on_grid(HEAVY, HEAVY > 0, b), [0, -3, 25, 2.5]),
    "split": (lambda b: released_split.split(KEY, b * HEAVY), [0.0]),
    "sketch": (lambda b: sketch.sketched(KEY, HEAVY, b, 7, 7), [-1]),
    "relative_error": (lambda b: compressibility.relative_error(HEAVY, b), [-1, 1.5, jnp.inf]),
    "order": (lambda b: compressibility.participation(HEAVY, b), [0.0, -1.0]),
    "order of an error": (lambda b: compressibility.relative_error(HEAVY, 3, b), [0.0, jnp.inf]),
    "pruning_ratio": (lambda b: compressibility.pruning_ratio(HEAVY, b), [0.0, 1.0, -1.0]),
    "entries": (lambda b: layer_pruning.entries([HEAVY], b, True), [0.0, 1.0]),
    "removed_ratio": (lambda b: layer_pruning.removed_ratio(layer_pruning.entries([HEAVY], b, True)), [1.5]),
    "nodes": (lambda b: layer_pruning.nodes([HEAVY], b, True), [1.5]),
    "singular": (lambda b: layer_pruning.singular([HEAVY], b, True), [-0.1]),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_traced_number_outside_gives_nan(name):
    one, numbers = OUTSIDE[name]
    program = jax.jit(one)
    for number in numbers:
        found = program(number)
        parts = (found.value, found.nats) if isinstance(found, rules.Compressed) else found
        assert all(np.all(np.isnan(leaf)) for leaf in jax.tree.leaves(parts)), number
    if "zeros" not in name:
        halves = ("uniform_mask", "pruning_ratio", "entries", "nodes", "singular", "removed_ratio")
        found = program(np.asarray(0.5 if name in halves else 1))
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found))


def test_nested_counts_are_nan_one_by_one():
    found = jax.jit(lambda counts: projection.matrix_project_path(KEY, HEAVY, counts))(jnp.array([3, 0, 1]))
    assert np.isnan(found.value).all(axis=(1, 2)).tolist() == np.isnan(found.nats).tolist() == [False, True, False]
    judge.exact(found.value[0], projection.matrix_project(KEY, HEAVY, 3).value, 1e-12)


def test_masks_of_a_traced_count_below_zero_are_empty():
    assert not np.any(jax.jit(lambda b: rules.keep_largest(HEAVY, b))(-1))
    assert not np.any(jax.jit(lambda b: rules.keep_largest(HEAVY, b))(2.5))
    assert not np.any(jax.jit(lambda b: compressibility.neuron_mask(HEAVY, b))(2.5))
    assert not np.any(jax.jit(lambda b: compressibility.ratio_mask(HEAVY, b))(1.5))


def test_a_whole_float_is_a_count():
    for found, known in (
        (quantiser.on_grid(HEAVY, HEAVY > 0, 4.0), quantiser.on_grid(HEAVY, HEAVY > 0, 4)),
        (projection.matrix_project(KEY, HEAVY, 3.0).value, projection.matrix_project(KEY, HEAVY, 3).value),
        (rules.compress(rules.magnitude, None, HEAVY, 7.0).value, rules.compress(rules.magnitude, None, HEAVY, 7).value),
        (rules.code_length(5.0, 30), rules.code_length(5, 30)),
    ):
        np.testing.assert_array_equal(found, known)


def test_integers_are_projected_as_floats():
    judge.exact(projection.matrix_project(KEY, ONES, 5).value, projection.matrix_project(KEY, ONES.astype(float), 5).value)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: sparse.threshold(HEAVY, -1.0), "size: -1.0"),
        (lambda: sparse.inclusion(HEAVY, 0.0), "size: 0.0"),
        (lambda: sparse.inclusion(HEAVY, 1.0, 3), "power: 3"),
        (lambda: sparse.inclusion_of(HEAVY, -1), "budget: -1"),
        (lambda: sparse.random_keep(KEY, HEAVY, jnp.full(HEAVY.shape, 1.5)), "probabilities: 1.5"),
        (lambda: sparse.random_keep(KEY, HEAVY, jnp.zeros(HEAVY.shape)), "probabilities: 0 for a weight"),
        (lambda: sparse.random_keep(KEY, HEAVY, jnp.ones(3)), "probabilities: their shapes"),
        (lambda: sparse.uniform_mask(KEY, HEAVY, 0.0), "share: 0.0"),
        (lambda: sparse.activation_aware(None, HEAVY, INPUTS[:, :3]), r"inputs: shape \(50, 3\)"),
        (lambda: projection.matrix_project(KEY, HEAVY, 0), "count: 0"),
        (lambda: projection.matrix_project(KEY, HEAVY, 2.5), "count: 2.5"),
        (lambda: projection.low_rank(HEAVY, -1), "rank: -1"),
        (lambda: projection.low_rank(HEAVY * jnp.nan, 1), "matrix: holds NaN"),
        (lambda: projection.stable_rank(jnp.zeros((3, 3))), "matrix: all of 9"),
        (lambda: quantiser.quantised(rules.Compressed(HEAVY, 120, 0.0), 25), "bits: 25"),
        (lambda: quantiser.quantised(rules.Compressed(HEAVY, 120, 0.0), 0), "bits: 0"),
        (lambda: quantiser.quantised(rules.Compressed(jnp.zeros(3), 0, 0.0), 4), "found: its values are all 0"),
        (lambda: released_split.split(KEY, HEAVY, "mine"), "scale: 'mine'"),
        (lambda: released_split.split(KEY, jnp.ones(1)), "matrix: 1 entries"),
        (lambda: released_split.split(KEY, jnp.zeros(4)), "matrix: all of 4"),
        (lambda: released_split.large(HEAVY * jnp.nan), "matrix: holds NaN"),
        (lambda: sketch.sketched(KEY, HEAVY, 3, 10, 7), "rows: 10"),
        (lambda: sketch.sketched(KEY, HEAVY, -3, 7, 7), "budget: -3"),
        (lambda: sparse.random_keep(KEY, "a", "a"), "weights: 'a' is no array"),
        (lambda: sparse.threshold(None, 1.0), "weights: None holds no array"),
        (lambda: projection.matrix_project(KEY, HEAVY * 1j, 3), "matrix: complex"),
        (lambda: projection.matrix_project(KEY, HEAVY, [3, 4]), r"count: shape \(2,\)"),
        (lambda: quantiser.quantised(WRONG, 6), "found: .* is not what a reduction leaves"),
        (lambda: quantiser.on_grid(HEAVY, HEAVY > 0, 0), "bits: 0"),
        (lambda: layer_pruning.removed_ratio(WRONG), "found: .* is not what a reduction leaves"),
        (lambda: layer_pruning.entries(WRONG, 0.5, False), r"layers: shapes \(12, 10\) of one array"),
        (lambda: jax.jit(lambda b: layer_pruning.entries([HEAVY], b, False))(0.5), "amount: .* traced"),
        (lambda: jax.jit(lambda b: compressibility.kept_count(20, b))(0.5), "kappa: is traced"),
        (lambda: released_split.squared_error(HEAVY[0], HEAVY), r"found: shape \(10,\) is not that of matrix, \(12, 10\)"),
        (lambda: released_split.squared_error(HEAVY[:3], HEAVY), r"found: shape \(3, 10\)"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, 2.5), "budget: 2.5"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, -1), "budget: -1"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, True), "budget: True"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, "a"), "budget: 'a'"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, [3, 4]), r"budget: shape \(2,\)"),
        (lambda: rules.compress(rules.magnitude, None, "a", 3), "weights: 'a' is no array"),
        (lambda: rules.compress(WORD, None, HEAVY, 3), "rule: 'magnitude' is no rule"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY, 3, value_bits=-3), "value_bits: -3"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY * 1j, 3), "weights: an array of complex"),
        (lambda: rules.compress(rules.magnitude, None, HEAVY * jnp.inf, 3), "weights: NaN or infinity"),
        (lambda: rules.compress(lambda key, w, context: w[0], None, HEAVY, 3), "scores of the rule: their shapes"),
        (lambda: rules.compress(lambda key, w, context: w / 0, None, HEAVY, 3), "scores of the rule: NaN or infinity"),
        (lambda: rules.keep_largest(HEAVY, 3, HEAVY[0] > 0), "live: their shapes"),
        (lambda: sparse.uniform_mask(KEY, HEAVY * jnp.nan, 0.5), "weights: NaN or infinity"),
        (lambda: projection.matrix_project(KEY, HEAVY * jnp.nan, 3), "matrix: NaN or infinity"),
        (lambda: rules.masked(HEAVY, HEAVY[0] > 0), "masks: their shapes"),
        (lambda: rules.keep_largest(HEAVY, -1), "budget: -1"),
        (lambda: rules.code_length(-5, 30), "kept: -5"),
        (lambda: rules.code_length(5, 3), "kept: 5"),
        (lambda: rules.code_length(5, 30, -1), "value_bits: -1"),
        (lambda: rules.log_ways(31, 30), "kept: 31"),
        (lambda: rules.log_ways(0, -1), "total: -1"),
    ],
)
def test_bad_input_is_refused(call, words, unchecked):
    with pytest.raises(ValueError, match=words):
        call()
