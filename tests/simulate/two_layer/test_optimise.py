"""Random starts reach the optima that are known, to round-off; minima are shown by their smallest eigenvalue."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate import two_layer
from jaxprune.simulate.arc_cosine import kappa
from jaxprune.simulate.two_layer import Schedule, losses, objectives, optimise
from jaxprune.simulate.two_layer.curvature import curvature
from jaxprune.simulate.two_layer.optimise import starts
from tests import grades as judge
from tests.two_layer import TARGET

QUICK = Schedule(adam=80, newton=12, inner=24)
RESTARTS, NEURONS, TEACHERS, DIM = 24, 5, 9, 5  # of the one program for descent that most tests share
begin = jax.jit(starts, static_argnums=(2, 3, 4))
bent, bends = jax.jit(curvature), jax.jit(jax.vmap(curvature))
# Neurons, mean, length of the slope: value, cosine, gain, of the cone (a simplex without a slope).
CONES = {
    (2, 1.0, 0.5): (0.2364859805, -0.2026663, 0.91013627),
    (3, 1.0, 0.2): (0.1995352139, -0.3890213, 0.6574206),
    (5, 2.0, 1.0): (0.4098574919, -0.002166582, 0.89956905),
    (3, 1.0, 0.0): (0.2159826454, -0.5, 0.655080023),
    (5, 1.0, 0.0): (0.1222618849, -0.25, 0.4400326354),
}


def affine(mean, slope, dim):
    return objectives.simplified(losses.Factors(mean, slope * np.eye(dim)[0], 0.0))


def roomy(objective, dim=DIM):
    """The same objective with teachers that are zero, and inputs that it does not use."""
    more = dim - len(objective.slope)
    rows = jnp.pad(objective.rows, ((0, TEACHERS - len(objective.rows)), (0, more)))
    weights = jnp.pad(objective.weights, (0, TEACHERS - len(objective.weights)))
    return objectives.Objective(objective.constant, objective.mean, jnp.pad(objective.slope, (0, more)), rows, weights)


@jax.jit
def descended(objective, rows, signs):
    return two_layer.descend(objective, rows, signs)


def descend(objective, rows, signs):
    """Where starts end, by the program that is there; they are repeated and padded with zeros until they are of its size."""
    restarts, neurons, dim = rows.shape
    rows = np.resize(np.pad(rows, ((0, 0), (0, NEURONS - neurons), (0, DIM - dim))), (RESTARTS, NEURONS, DIM))
    signs = np.resize(np.pad(signs, ((0, 0), (0, NEURONS - neurons)), constant_values=1), (RESTARTS, NEURONS))
    found = jax.tree.map(lambda part: part[:restarts], descended(roomy(objective), rows, signs))
    assert not np.any(found.rows[:, neurons:]) and not np.any(found.rows[..., dim:]), "padding stays zero"
    return found, found.dead - (NEURONS - neurons)


def stacked(cells):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *cells)


def cosines(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return (unit @ unit.T)[np.triu_indices(len(rows), 1)]


@pytest.fixture(scope="module")
def cones():
    """All cells and restarts in one program, padded to five neurons."""
    with jax.enable_x64(True):
        cells = stacked([affine(mean, slope, 5) for _, mean, slope in CONES])
        live = jnp.array([np.arange(5) < neurons for neurons, *_ in CONES])
        keys = jax.random.split(jax.random.key(0), len(CONES))

        @jax.jit
        def program(cells, keys, live):
            runs = jax.vmap(lambda o, k, a: two_layer.minimise(o, k, 5, 8, live=a, schedule=QUICK))(cells, keys, live)
            return runs, jax.vmap(lambda run: run.best())(runs)

        runs, best = program(cells, keys, live)
        spoiled = best.rows * np.array([1.0, 1.0, 1.0, 1.0, 0.2])[:, None]
        found, moved = (bends(cells, rows, best.signs) for rows in (best.rows, spoiled))
        return jax.tree.map(np.asarray, (runs, best, found, moved))


@pytest.mark.slow
def test_random_starts_reach_the_cone(cones):
    runs, best, *_ = cones
    judge.exact(best.loss, [value for value, *_ in CONES.values()], 1e-9)
    assert np.all(runs.loss - best.loss[:, None] < 1e-9), "every start finds it"
    assert np.all(runs.gradient < 1e-12)
    for index, ((neurons, *_), (_, cosine, gain)) in enumerate(CONES.items()):
        rows = best.rows[index, :neurons]
        judge.exact(cosines(rows), np.full(neurons * (neurons - 1) // 2, cosine), 1e-5 / abs(cosine), spoil=1.1)
        judge.exact(np.linalg.norm(rows, axis=1), np.full(neurons, gain), 1e-6)
        assert not np.any(best.rows[index, neurons:]), "padding stays zero"


@pytest.mark.slow
def test_they_are_strict_minima_up_to_rotations(cones):
    _, _, found, moved = cones
    assert np.all(found.smallest > 100 * found.error) and np.all(found.error < 1e-10)
    assert np.all(np.abs(found.raw) <= found.error), "with the rotations there is no curvature"
    # Rotations move the span of the rows, or of what of them lies across the slope: k directions of n.
    directions = [(n - 1, 5 if slope == 0 else 4) for n, _, slope in CONES]
    assert [int(r) for r in found.rotations] == [k * (k - 1) // 2 + k * (n - k) for k, n in directions]
    assert moved.error[4] > 0.01, "no stationary point: the error must tell"


@pytest.mark.slow
def test_a_saddle_is_no_minimum(x64):
    """A regular pentagon in three dimensions: stationary by symmetry, and lower out of its plane."""
    angle = 2 * np.pi * np.arange(5) / 5
    unit = jnp.stack([jnp.cos(angle), jnp.sin(angle), 0 * angle], axis=1)
    objective = affine(1.0, 0.0, 3)
    rows = unit / (np.sqrt(2 * np.pi) * jnp.sum(kappa(jnp.clip(unit @ unit.T, -1, 1))) / 5)
    assert np.linalg.norm(objectives.loss_and_gradient(objective, rows, jnp.ones(5))[1]) < 1e-14
    found = bent(roomy(objective, 3), rows, jnp.ones(5))
    assert found.smallest < -100 * found.error and found.rotations == 3


@pytest.mark.slow
def test_padding_changes_nothing(x64):
    """Extra student rows, target rows and coordinates, from the same starts."""
    weights = np.full(6, 1 / 6)
    plain = objectives.exact(TARGET, weights)
    wide = objectives.exact(np.pad(TARGET, ((0, 3), (0, 2))), np.pad(weights, (0, 3)))
    same = zip(jax.tree.leaves(roomy(plain)), jax.tree.leaves(wide), strict=True)
    assert all(np.array_equal(one, other) for one, other in same)
    rows, signs = begin(jax.random.key(1), plain, 2, 4)
    short = jax.jit(lambda objective, rows, signs: two_layer.descend(objective, rows, signs))(plain, rows, signs)
    long, dead = descend(plain, rows, signs)
    # Round-off grows along the way, so only optima that were reached agree to it.
    judge.exact(long.loss, short.loss, 1e-12)
    judge.exact(long.rows[:, :2, :3], short.rows, 1e-9)
    assert np.all(long.dead == 3) and np.all(dead == 0) and np.all(short.dead == 0)
    best = short.best()
    judge.exact(best.loss, 0.002243846664, 1e-6)
    found = bent(roomy(plain, 3), jnp.pad(best.rows, ((0, 3), (0, 0))), jnp.ones(5))
    assert best.gradient < 1e-12 and found.smallest > found.error and found.rotations == 0


@pytest.mark.slow
def test_more_restarts_and_neurons_begin_with_the_fewer(x64):
    objective = affine(1.0, 0.5, 3)
    few, _ = begin(jax.random.key(2), objective, 3, 4)
    more, _ = begin(jax.random.key(2), objective, 5, 7)
    judge.exact(more[:4, :3] * 5 / 3, few, 1e-14)
    assert np.ptp(begin(jax.random.key(2), objective, 3, 64, "free")[1].sum(axis=1)) == 6


@pytest.mark.slow
def test_signs_that_are_free_find_the_phase(x64):
    """Three neurons: a cone of positive ones at eta = 0.5, one negative at eta = 2."""
    best = []
    for eta in (0.5, 2.0):
        objective = affine(1.0, eta, 3)
        best.append(descend(objective, *begin(jax.random.key(3), objective, 3, RESTARTS, "free"))[0].best())
    best = stacked(best)
    judge.exact(best.loss, [0.163514095, 0.2220309407], 1e-8)
    assert best.negative.tolist() == [0, 1] and np.all(best.gradient < 1e-10)


@pytest.mark.slow
def test_neurons_of_the_wrong_sign_die(x64):
    """Without a slope the outcome is the simplex of the positive neurons."""
    objective, signs = affine(1.0, 0.0, 4), np.array([1.0, -1.0, 1.0, 1.0])
    rows, _ = begin(jax.random.key(4), objective, 4, 16)
    runs, dead = descend(objective, rows, np.tile(signs, (16, 1)))
    best = runs.best()
    judge.exact(best.loss, 0.2159826454, 1e-8)
    reached = np.asarray(runs.loss) < 0.2159826454 + 1e-9
    assert reached.mean() > 0.5 and np.median(dead[reached]) == 1 and best.negative + best.dead == 2
    assert runs.success(best.loss, 1e-9) == reached.mean()


@pytest.mark.slow
def test_more_neurons_than_inputs(x64):
    """Five in three dimensions: no frame is equiangular; not lower than the bound."""
    objective = affine(1.0, 0.0, 3)
    best = descend(objective, *begin(jax.random.key(5), objective, 5, 8))[0].best()
    judge.exact(best.loss, 0.1547964875, 1e-8)
    assert best.loss > 0.1538345303 and np.ptp(np.linalg.norm(best.rows, axis=1)) > 0.1


@pytest.mark.slow
def test_float32_finds_the_optimum_to_its_precision():
    best = jax.jit(lambda key: two_layer.minimise(affine(1.0, 0.2, 3), key, 3, 4, schedule=QUICK).best())(jax.random.key(6))
    assert best.rows.dtype == jnp.float32
    judge.exact(best.loss, 0.1995352139, 3e-6)


def test_bad_requests_are_refused():
    objective, key = affine(1.0, 0.0, 3), jax.random.key(0)
    with pytest.raises(ValueError, match="neurons: 0"):
        two_layer.minimise(objective, key, 0)
    with pytest.raises(ValueError, match="restarts: 0"):
        two_layer.minimise(objective, key, 2, 0)
    with pytest.raises(ValueError, match="signs: 'positive'"):
        two_layer.minimise(objective, key, 2, signs="positive")
    with pytest.raises(ValueError, match="signs: 3 signs for 2"):
        two_layer.minimise(objective, key, 2, signs=np.ones(3))
    with pytest.raises(ValueError, match="rate: 0"):
        Schedule(rate=0.0)
    nothing = affine(-1.0, 0.0, 3)
    with pytest.warns(UserWarning, match="best nonnegative network is zero"):
        jax.eval_shape(lambda key: two_layer.minimise(nothing, key, 2), key)


def test_bad_starts_are_refused():
    objective, rows = affine(1.0, 0.0, 3), np.ones((2, 4, 3))
    for words, call in {
        "rows: float.* of shape": lambda: two_layer.descend(objective, rows[0], np.ones(4)),
        "rows: int.* of shape": lambda: two_layer.descend(objective, rows.astype(int), np.ones((2, 4))),
        "use floating-point starts of shape": lambda: two_layer.descend(objective, rows[..., :2], np.ones((2, 4))),
        "signs: shape": lambda: two_layer.descend(objective, rows, np.ones(4)),
        "signs: .* are not all": lambda: two_layer.descend(objective, rows, np.full((2, 4), 0.5)),
    }.items():
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.slow
def test_a_start_that_diverged_is_told_and_is_not_the_best(x64):
    """NaN, zero, and a start like any other, of one step each."""
    starts = np.stack([np.full((2, 3), np.nan), np.zeros((2, 3)), np.eye(3)[:2]])
    step, signs = Schedule(adam=1, newton=1, inner=1), np.ones((3, 2))
    runs = jax.jit(lambda rows: two_layer.descend(affine(1.0, 0.0, 3), rows, signs, step))(starts)
    assert np.isnan(runs.loss[0]) and float(runs.loss[1]) == 1.0 and runs.dead.tolist() == [0, 2, 0]
    assert float(runs.best().loss) == float(runs.loss[2]) < 1
    gradient = objectives.loss_and_gradient(affine(1.0, 0.0, 3), runs.rows[2], jnp.ones(2))[1]
    judge.exact(runs.gradient[2], np.linalg.norm(gradient), 1e-13)


def test_equal_losses_are_told_apart_by_gradients():
    runs = two_layer.Runs(
        np.zeros((3, 1, 1)),
        np.ones((3, 1)),
        np.array([0.5, 0.5 * (1 + 4e-16), 0.6]),
        np.array([1e-3, 1e-9, 0.0]),
        *np.ones((2, 3)),
    )
    with jax.enable_x64(True):
        assert float(runs.best().gradient) == 1e-9


def test_success_in_single_precision_allows_for_its_round_off():
    assert optimise.same_loss(np.float64) == 1e-9 and 1e-6 < optimise.same_loss(np.float32) < 1e-5
