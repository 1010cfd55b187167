"""Compressibility: against plain NumPy in float64, ties, what has no ratio, float32, and the released code's choices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.simulate.compression import compressibility, layer_pruning
from tests import grades as judge

RNG = np.random.default_rng(7)
LAYER = RNG.standard_t(1.5, (60, 7))
VECTOR = RNG.standard_t(1.2, 200)


def reference(values, order=2.0):
    """Removed shares (n + 1,), by sums of one slice each."""
    norms = np.linalg.norm(values, axis=1) if np.ndim(values) == 2 else np.abs(values)
    energy = np.sort(norms) ** order
    return np.array([energy[:m].sum() for m in range(len(energy) + 1)]) / energy.sum()


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 3.7])
@pytest.mark.parametrize("weights", [LAYER, VECTOR, np.array([3.0])], ids=["layer", "vector", "single"])
def test_errors_of_every_kept_count(x64, weights, order):
    n = len(weights)
    judge.exact(compressibility.removed_share(weights, order), reference(weights, order), 1e-14)
    found = compressibility.relative_error(weights, np.arange(n + 1), order)
    judge.exact(found, reference(weights, order)[::-1] ** (1 / order), 1e-13)
    assert found[0] == 1 and found[n] == 0 and np.all(np.diff(found) <= 0)
    assert compressibility.relative_error(weights, n + 5, order) == 0


def test_scale_matters_not(x64):
    for scale in (1e-160, 1e160):
        judge.exact(compressibility.removed_share(scale * LAYER), reference(LAYER), 1e-13)
    wide = np.array([3e38, -1e38, 2e38, 1e-30], np.float32)
    found = compressibility.removed_share(wide)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found[2:], [1 / 14, 5 / 14, 1], rtol=1e-6)
    rows = compressibility.sizes(np.full((4, 400), 3e38, np.float32))
    np.testing.assert_allclose(rows, 1.0)


@pytest.mark.parametrize("alpha", [0.8, 1.5])
def test_float32_keeps_the_tail(alpha):
    """A sum from the large end, taken from 1, loses it: the spoiled twin."""
    n, kept = 100_000, 10_000
    u = (np.arange(n) + 0.5) / n
    x = np.random.default_rng(1).permutation(u ** (-1 / alpha)).astype(np.float32)
    energy = np.sort(x.astype(float)) ** 2
    truth = energy[: n - kept].sum() / energy.sum()
    assert compressibility.relative_error(x, kept) ** 2 == pytest.approx(truth, rel=1e-6)
    falling = np.cumsum((np.sort(x)[::-1] / x.max()) ** 2, dtype=np.float32)
    assert 1 - falling[kept - 1] / falling[-1] != pytest.approx(truth, rel=1e-6)


def test_float32_sums_of_a_million():
    for x in (np.random.default_rng(2).standard_normal(1_000_000), np.random.default_rng(3).pareto(1.2, 1_000_000)):
        x = x.astype(np.float32)
        energy = np.cumsum(np.sort(np.abs(x.astype(float))) ** 2)
        found = np.asarray(compressibility.removed_share(x))[1:]
        live = energy > 1e-30 * energy[-1]
        assert np.max(np.abs(found / (energy / energy[-1]) - 1)[live]) < 1e-6
        assert np.all(np.diff(found) >= 0)


def test_masks_keep_exact_numbers_and_the_lower_index(x64):
    ties = np.array([2.0, -1.0, 1.0, 2.0, -2.0, 1.0])
    want = {0: [], 1: [0], 2: [0, 3], 3: [0, 3, 4], 4: [0, 1, 3, 4], 6: range(6), 9: range(6)}
    for kept, index in want.items():
        np.testing.assert_array_equal(np.flatnonzero(compressibility.neuron_mask(ties, kept)), list(index))
    masks = compressibility.fraction_masks(LAYER, [0, 0.1, 0.29, 0.95, 1])
    np.testing.assert_array_equal(masks.sum(axis=1), [60, 54, 43, 3, 0])
    assert compressibility.fraction_masks(np.ones(100), [0.29]).sum() == 71  # 0.29 * 100 is 28.999...
    order = np.argsort(-np.linalg.norm(LAYER, axis=1), kind="stable")
    np.testing.assert_array_equal(np.flatnonzero(masks[3]), np.sort(order[:3]))
    left = compressibility.prune(LAYER, masks[3])
    np.testing.assert_array_equal(left[order[:3]], LAYER[order[:3]])
    assert np.count_nonzero(left) == 21
    dead = np.where(np.arange(60)[:, None] == 5, np.inf, LAYER)  # what is pruned leaves nothing behind, be it infinite
    assert np.all(np.isfinite(compressibility.prune(dead, np.arange(60) != 5)))


def largest(values, limit):
    return max(m for m, s in enumerate(reference(values)) if s <= limit)


@pytest.mark.parametrize("share, squared", [(0.1, True), (0.1, False), (0.37, True)])
def test_pruning_ratio_and_its_mask(x64, share, squared):
    limit = share if squared else share**2
    count = largest(LAYER, limit)
    assert compressibility.removed_count(LAYER, share, squared) == count
    assert compressibility.ratio_mask(LAYER, share, squared).sum() == 60 - count
    assert compressibility.pruning_ratio(LAYER, share, squared) == pytest.approx(count / 60)
    other = RNG.normal(size=(20, 50))
    pooled = (7 * count + 50 * largest(other, limit)) / 1420
    assert compressibility.pruning_ratio([LAYER, other], share, squared) == pytest.approx(pooled)
    assert pooled != pytest.approx((count + largest(other, limit)) / 80)  # the spoiled twin: pooled by neurons


def test_a_share_that_is_met_exactly_goes(x64):
    assert compressibility.removed_count(np.array([1.0, 3.0, 1.0, 1.0, 2.0]), share=2 / 16) == 2
    assert compressibility.removed_count(np.array([1.0, 3.0, 1.0, 1.0, 2.0]), share=2 / 16 - 1e-9) == 1


def test_participation_and_functional_error(x64):
    energy = np.sum(LAYER**2, axis=1)
    judge.exact(compressibility.participation(LAYER), np.sum(energy**2) / energy.sum() ** 2)
    assert compressibility.participation(np.eye(5)) == pytest.approx(0.2)
    full, pruned = RNG.normal(size=(2, 30, 3))
    want = np.linalg.norm(pruned - full) / np.linalg.norm(full)
    for scale in (1.0, 1e-170, 1e170):
        judge.exact(compressibility.functional_error(scale * pruned, scale * full), want, 1e-13)


def test_one_program_for_a_batch_and_for_traced_counts(x64):
    batch = RNG.normal(size=(5, 40, 3))
    together = jax.jit(jax.vmap(compressibility.pruning_ratio))(batch)
    np.testing.assert_array_equal(together, [compressibility.pruning_ratio(w) for w in batch])
    counts = jnp.array([0, 7, 39])
    masks = jax.jit(jax.vmap(compressibility.neuron_mask, (None, 0)))(batch[0], counts)
    np.testing.assert_array_equal(masks.sum(axis=1), counts)
    errors = jax.jit(lambda w, k, q: compressibility.relative_error(w, k, q))(batch[0], counts, 2.0)
    judge.exact(errors, compressibility.relative_error(batch[0], counts))


@pytest.mark.parametrize("weights", [np.zeros((4, 3)), np.full(4, np.nan), np.array([1.0, np.inf])])
def test_nothing_to_measure(weights):
    for measure in (
        compressibility.pruning_ratio,
        compressibility.participation,
        lambda w: compressibility.relative_error(w, [0, 1]),
    ):
        with pytest.raises(ValueError, match="^weights: "):
            measure(weights)
        assert np.all(np.isnan(jax.jit(measure)(weights)))
    assert np.isnan(jax.jit(compressibility.pruning_ratio)([jnp.ones(3), jnp.asarray(weights)]))
    assert np.isnan(jax.jit(compressibility.functional_error)(weights, weights))


BAD = [
    (lambda: compressibility.relative_error(VECTOR, 1.5), "kept"),
    (lambda: compressibility.relative_error(VECTOR, [-1]), "kept"),
    (lambda: compressibility.relative_error(VECTOR, True), "kept"),
    (lambda: compressibility.relative_error(VECTOR, 3, 0.0), "order"),
    (lambda: compressibility.removed_share(VECTOR, -1), "order"),
    (lambda: compressibility.removed_share(VECTOR, np.nan), "order"),
    (lambda: compressibility.pruning_ratio(VECTOR, 0.0), "share"),
    (lambda: compressibility.pruning_ratio(VECTOR, 1), "share"),
    (lambda: compressibility.pruning_ratio(VECTOR, np.nan), "share"),
    (lambda: compressibility.pruning_ratio([]), "weights"),
    (lambda: compressibility.sizes(np.ones((2, 2, 2))), "weights"),
    (lambda: compressibility.sizes(np.ones((2, 0))), "weights"),
    (lambda: compressibility.sizes(np.ones(3) * 1j), "weights"),
    (lambda: compressibility.functional_error(np.ones(3), np.zeros(3)), "full"),
    (lambda: compressibility.functional_error(np.ones(3), np.ones(2)), "pruned"),
    (lambda: compressibility.kept_count(5, 0.1), "kappa"),
    (lambda: compressibility.kept_count(50, 0.0), "kappa"),
    (lambda: compressibility.kept_count(50, 1.5), "kappa"),
    (lambda: compressibility.kept_count(50, 0.5j), "kappa"),
    (lambda: compressibility.kept_count(0, 0.5), "n"),
    (lambda: compressibility.fraction_masks(VECTOR, [1.1]), "removed"),
    (lambda: layer_pruning.entries([LAYER], 0.1, True, scope="both"), "scope"),
    (lambda: layer_pruning.nodes([LAYER], 0.1, True, compat="other"), "compat"),
    (lambda: layer_pruning.nodes([LAYER], 1.0, True), "amount"),
    (lambda: layer_pruning.nodes([LAYER], 1.1, False), "amount"),
    (lambda: layer_pruning.nodes([VECTOR], 0.1, False), "layers"),
    (lambda: layer_pruning.nodes([], 0.1, False), "layers"),
    (lambda: layer_pruning.nodes([LAYER, 0 * LAYER], 0.1, False), "weights"),
    (lambda: layer_pruning.singular([LAYER], 0.1, True, compat="released-code"), "adaptive"),
]


@pytest.mark.parametrize("call, name", BAD, ids=[f"{name}-{i}" for i, (_, name) in enumerate(BAD)])
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()


def test_kept_counts():
    assert [compressibility.kept_count(*c) for c in ((1000, 0.1), (100, 0.29), (100, 0.07), (3, 1.0), (7, 0.5))] == [
        100,
        29,
        7,
        3,
        3,
    ]


LAYERS = [LAYER, RNG.standard_t(1.2, (30, 5)) + 0.3]


def removed(values, error):
    return max(m for m, s in enumerate(reference(values)) if np.sqrt(s) <= error)


@pytest.mark.slow
def test_magnitude_pruning_of_entries(x64):
    local = layer_pruning.entries(LAYERS, 0.2, adaptive=True)
    counts = [removed(np.ravel(w), 0.2) for w in LAYERS]
    assert local.kept == 570 - sum(counts) and layer_pruning.removed_ratio(local) == pytest.approx(sum(counts) / 570)
    for before, after, count in zip(LAYERS, local.value, counts, strict=True):
        gone = np.sort(np.argsort(np.abs(before).ravel(), kind="stable")[:count])
        np.testing.assert_array_equal(np.flatnonzero(np.asarray(after) == 0), gone)
    pooled = np.concatenate([np.ravel(w) for w in LAYERS])
    assert layer_pruning.entries(LAYERS, 0.2, True, "global").kept == 570 - removed(pooled, 0.2)
    cut = np.sort(np.abs(pooled))[round(0.9 * 570)]
    for before, after in zip(LAYERS, layer_pruning.entries(LAYERS, 0.9, False, "global").value, strict=True):
        np.testing.assert_array_equal(after, np.where(np.abs(before) >= cut, before, 0))


def test_nodes_and_singular_values(x64):
    found = layer_pruning.nodes(LAYERS, 0.4, adaptive=True)
    counts = [removed(w, 0.4) for w in LAYERS]
    assert found.kept == (60 - counts[0]) * 7 + (30 - counts[1]) * 5
    u, s, v = np.linalg.svd(LAYER, full_matrices=False)
    left = layer_pruning.singular([LAYER], 0.6, adaptive=False)
    judge.exact(left.value[0], (u[:, :3] * s[:3]) @ v[:3], 1e-12)
    assert left.kept == 3 * 67
    assert (
        layer_pruning.removed_ratio(layer_pruning.singular([LAYER], 0.0, adaptive=False)) == 1 - 7 * 67 / 420
    )  # dearer than the matrix
    assert layer_pruning.singular([LAYER], 0.5, adaptive=True).kept == (7 - removed(s, 0.5)) * 67
    errors = layer_pruning.singular_errors(LAYER, [0, 1, 3, 7])
    residue = [np.linalg.norm(LAYER - (u[:, :k] * s[:k]) @ v[:k]) / np.linalg.norm(LAYER) for k in (0, 1, 3, 7)]
    np.testing.assert_allclose(errors, residue, rtol=1e-10, atol=1e-12)


def released_count(values, amount):
    errors = np.sqrt(np.cumsum(np.sort(np.abs(values)) ** 2)) / np.linalg.norm(values)
    return int(stats.percentileofscore(errors, amount) / 100 * len(values))


def test_the_released_code_is_reproduced(x64):
    """SciPy's percentile as they call it; each choice left out is noticed."""
    compat = "released-code"
    for amount in (0.1, 0.35, 0.7):
        centred = [w - np.median(w) for w in LAYERS]
        counts = [released_count(c.ravel(), amount) for c in centred]
        found = layer_pruning.entries(LAYERS, amount, True, compat=compat)
        assert found.kept == 570 - sum(counts)
        gone = np.argsort(np.abs(centred[1]).ravel())[: counts[1]]
        np.testing.assert_allclose(np.ravel(found.value[1])[gone], np.median(LAYERS[1]))
        if amount == 0.1:  # the spoiled twin: not centred
            assert found.kept != layer_pruning.entries(LAYERS, amount, True).kept
        together = np.concatenate([c.ravel() for c in centred])
        shared = layer_pruning.entries(LAYERS, amount, True, "global", compat)
        assert shared.kept == 570 - released_count(together, amount)
    w = LAYERS[1]
    centred = w - np.median(w, axis=0)
    norms = np.linalg.norm(centred, axis=1)
    signed = norms - np.median(norms)
    count = released_count(signed, 0.7)
    gone = np.argsort(signed)[:count]
    found = layer_pruning.nodes([w], 0.7, True, compat=compat)
    assert found.kept == (30 - count) * 5 and count
    np.testing.assert_allclose(found.value[0][gone], np.tile(np.median(w, axis=0), (count, 1)))
    rows = layer_pruning.nodes([w], 0.3, False, compat=compat).value[0]
    gone = np.flatnonzero(np.all(rows == np.median(w, axis=0), axis=1))
    assert set(gone) == set(np.argsort(signed)[:9]) != set(np.argsort(np.abs(signed))[:9])  # the spoiled twin: absolute
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    low = layer_pruning.singular([w], 0.5, False, compat=compat)
    judge.exact(low.value[0], (u[:, :3] * s[:3]) @ v[:3] + np.median(w, axis=0), 1e-12)
    assert low.kept == 3 * 35


def test_the_percentile_rounds_down_where_theirs_does(x64):
    """Counts that a percentile turns into one fewer exist, and are theirs."""
    values = np.sqrt(np.arange(1.0, 201))
    differs = 0
    for count in range(1, 200):
        amount = np.sqrt(reference(values)[count]) + 1e-9
        found = layer_pruning.entries([values[:, None]], amount, True, compat="released-code")
        w = values - np.median(values)
        assert found.kept == 200 - released_count(w, amount)
        differs += released_count(w, amount) != removed(w, amount)
    assert differs


@pytest.mark.parametrize("count", [10, 30, 60, 70, 120])
def test_a_share_that_is_met_exactly_is_met(count):
    assert int(compressibility.removed_count(jnp.ones(count), 0.1)) == count // 10


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_weights_are_measured_in_float32(dtype):
    layer = (3 * np.random.default_rng(5).standard_normal((60, 20)) * np.linspace(0.1, 1, 60)[:, None]).astype(np.float32)
    half = jnp.asarray(layer, dtype)
    whole = half.astype(jnp.float32)
    assert compressibility.sizes(half).dtype == jnp.float32
    judge.exact(compressibility.pruning_ratio(half), compressibility.pruning_ratio(whole))
    judge.exact(compressibility.relative_error(half, 30), compressibility.relative_error(whole, 30))


@pytest.mark.parametrize("order", [2.0, 300.0, 1000.0])
def test_relative_errors_whose_powers_are_too_small_to_be_numbers(order):
    """To the precision of their logarithms, of 1e-30 seventy times that of the numbers."""
    rows = np.random.default_rng(0).standard_t(2, 200)
    rows[:3] = 1e-30, 0, 1e30
    logs = order * np.log(np.sort(np.abs(rows))[1:])
    kept, whole = [1, 2, 150, 198, 199], np.logaddexp.reduce(logs)
    expected = [np.exp((np.logaddexp.reduce(logs[: 199 - k]) - whole) / order) if k < 199 else 0 for k in kept]
    for found in (compressibility.relative_error, jax.jit(compressibility.relative_error)):
        errors = found(rows.astype(np.float32), np.array(kept), order)
        np.testing.assert_allclose(errors[:3], expected[:3], rtol=2e-5)
        assert errors[4] == 0
